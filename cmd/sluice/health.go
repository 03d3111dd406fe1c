package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// healthCommand asks the server that runs beside it whether it is ready: the image has no other program that could.
func healthCommand(ctx context.Context, p process) int {
	if len(p.args) > 0 {
		fmt.Fprintln(p.stderr, "usage: sluice health\n\nAsks the server at SLUICE_ADDR on this machine whether it is ready. Exit code 0: it is; 1: it is not.")
		return helpCode(p.args[0])
	}
	ctx, cancel := context.WithTimeout(ctx, 6*time.Second) // the server itself gives the database five
	defer cancel()
	text, err := askReady(ctx, p.getenv("SLUICE_ADDR"))
	if err != nil {
		fmt.Fprintln(p.stderr, "sluice health:", err)
		return exitShut
	}
	fmt.Fprintln(p.stdout, text)
	return exitOpen
}

// askReady asks the server that listens at addr, which may name no host or every one.
func askReady(ctx context.Context, addr string) (string, error) {
	if addr == "" {
		addr = ":8080"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("SLUICE_ADDR: %w", err)
	}
	if slices.Contains([]string{"", "0.0.0.0", "::"}, host) {
		host = "localhost"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return "", err
	}
	straight := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // past any proxy that the environment names
	resp, err := straight.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	said := strings.TrimSpace(string(text))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d: %s", resp.StatusCode, said)
	}
	return said, err
}
