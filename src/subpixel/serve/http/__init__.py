"""What speaks HTTP: routes, answers, errors, and what guards them."""
