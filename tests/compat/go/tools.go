//go:build tools

// Keeps the plug-ins of protoc among the modules that go.sum pins.
package main

import (
	_ "google.golang.org/grpc/cmd/protoc-gen-go-grpc"
	_ "google.golang.org/protobuf/cmd/protoc-gen-go"
)
