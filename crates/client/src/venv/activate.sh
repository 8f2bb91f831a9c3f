# Makes this environment the current one of a POSIX shell (sh, dash, bash, ksh, zsh):
#     . DIR/bin/activate
# `deactivate` undoes it. Commands in DIR/bin also work without any of this.

deactivate () {
    if [ "${_OLD_VIRTUAL_PATH+set}" = set ]; then
        PATH=$_OLD_VIRTUAL_PATH
        export PATH
        unset _OLD_VIRTUAL_PATH
    fi
    if [ "${_OLD_VIRTUAL_PYTHONHOME+set}" = set ]; then
        PYTHONHOME=$_OLD_VIRTUAL_PYTHONHOME
        export PYTHONHOME
        unset _OLD_VIRTUAL_PYTHONHOME
    fi
    if [ "${_OLD_VIRTUAL_PS1+set}" = set ]; then
        PS1=$_OLD_VIRTUAL_PS1
        unset _OLD_VIRTUAL_PS1
    fi
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    hash -r 2>/dev/null || :
    [ "${1-}" = nondestructive ] || unset -f deactivate
}

# Leaves another environment first, whoever made it.
deactivate nondestructive

VIRTUAL_ENV=@ENVIRONMENT@
VIRTUAL_ENV_PROMPT=@PROMPT@
export VIRTUAL_ENV VIRTUAL_ENV_PROMPT

_OLD_VIRTUAL_PATH=${PATH-}
PATH=$VIRTUAL_ENV/bin${PATH:+:$PATH}
export PATH

if [ "${PYTHONHOME+set}" = set ]; then
    _OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME
    unset PYTHONHOME
fi

if [ -z "${VIRTUAL_ENV_DISABLE_PROMPT-}" ]; then
    _OLD_VIRTUAL_PS1=${PS1-}
    PS1="($VIRTUAL_ENV_PROMPT) ${PS1-}"
fi

hash -r 2>/dev/null || :
