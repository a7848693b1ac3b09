package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are set when a release is built:
// go build -ldflags "-X main.version=v1.2.3 -X main.commit=…". Otherwise the build information of Go is
// used.
var version, commit string

func runVersion(_ context.Context, s streams, _ string) error {
	build, _ := debug.ReadBuildInfo()
	return printText(s.out, versionText(build))
}

// versionText returns version, commit and Go version. build may be nil.
func versionText(build *debug.BuildInfo) string {
	var module, revision, modified string
	if build != nil {
		module = build.Main.Version
		for _, setting := range build.Settings {
			switch {
			case setting.Key == "vcs.revision":
				revision = setting.Value
			case setting.Key == "vcs.modified" && setting.Value == "true":
				modified = " (with changes)"
			}
		}
	}
	if commit != "" {
		revision, modified = commit, ""
	}
	return fmt.Sprintf("smoothschedule %s\ncommit %s%s\n%s %s/%s\n",
		cmp.Or(version, module, "(devel)"), cmp.Or(revision, "unknown"), modified, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
