set -l ask env _SUBPIXEL_COMPLETE=complete_fish '_TYPER_COMPLETE_ARGS=(commandline -cp)'
complete --command subpixel --no-files \
    --condition "$ask _TYPER_COMPLETE_FISH_ACTION=is-args subpixel 2> /dev/null" \
    --arguments "($ask _TYPER_COMPLETE_FISH_ACTION=get-args subpixel 2> /dev/null)"
