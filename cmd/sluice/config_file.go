package main

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
)

// largestSetting bounds what is read of a setting's file: a key has some thousand bytes.
const largestSetting = 64 << 10

// withFiles puts the values of settings in place of the files that NAME_FILE names: secrets of containers, credentials of systemd
// and secrets of Kubernetes are files, and whoever can list processes can read variables. What is a setting under that very name,
// as SLUICE_AUDIT_KEY_FILE is, stays. An error names the setting, and never shows what is in the file.
func withFiles(environ []string) ([]string, error) {
	var all []string
	var known []string
	for _, e := range environ {
		name, file, _ := strings.Cut(e, "=")
		of, is := strings.CutSuffix(name, "_FILE")
		if is && known == nil && strings.HasPrefix(name, "SLUICE_") {
			known = settingNames(reflect.TypeFor[settings]())
		}
		if !is || slices.Contains(known, name) || !slices.Contains(known, of) {
			all = append(all, e)
			continue
		}
		if slices.ContainsFunc(environ, func(o string) bool { return strings.HasPrefix(o, of+"=") }) {
			return nil, fmt.Errorf("%s, %s: both are set, leave one out", of, name)
		}
		value, err := settingIn(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, of+"="+value)
	}
	return all, nil
}

// settingIn reads a file, and takes away the end of the line that editors and echo put there.
func settingIn(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestSetting+1))
	if err == nil && len(text) > largestSetting {
		err = fmt.Errorf("the file has more than %d bytes, which no setting has", largestSetting)
	}
	return strings.TrimRight(string(text), "\r\n"), err
}
