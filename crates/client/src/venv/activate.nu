# Makes this environment the current one of Nushell:
#     overlay use DIR/bin/activate.nu
# `deactivate` undoes it. Commands in DIR/bin also work without any of this.

export-env {
    $env.VIRTUAL_ENV = @ENVIRONMENT@
    $env.VIRTUAL_ENV_PROMPT = @PROMPT@
    $env.PATH = ($env.PATH | split row (char esep) | prepend ($env.VIRTUAL_ENV | path join 'bin'))
    hide-env --ignore-errors PYTHONHOME
}

export alias deactivate = overlay hide activate
