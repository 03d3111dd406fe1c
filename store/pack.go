package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// packer compresses what is stored: bodies shrink to a tenth, and with them the write-ahead log. It is safe for
// concurrent use.
type packer struct {
	in  *zstd.Encoder
	out *zstd.Decoder
}

// largest is what unpacks at most: a damaged row must not eat the memory.
const largest = 512 << 20

func newPacker() *packer {
	// Neither constructor fails on constant options. Two coders and a small window keep them at a few megabytes.
	in, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20))
	out, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(largest))
	return &packer{in, out}
}

func (p *packer) zip(b []byte) []byte { return p.in.EncodeAll(b, make([]byte, 0, len(b)/6+64)) }

func (p *packer) unzip(b []byte) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	text, err := p.out.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack what was stored: %w", err)
	}
	return text, nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
