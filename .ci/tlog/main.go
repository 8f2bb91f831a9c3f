// The judge: a log's files as Go's own packages for checksum logs see them.
//
//	judge read FOLDER|URL VKEY [WITNESS-VKEY]   checks a log: note, tiles, every entry, proofs
//	judge proofs FOLDER|URL                     checks the proofs in its proofs.txt and entry.tlog-proof
//	judge write FOLDER SIZE...                  writes a log of its own that grew through these sizes
//
// The packages note and tlog are those of the Go toolchain, unchanged; .ci/tlog.sh puts them beside this
// file. Go's paths of tiles have the height in them, which C2SP's have not. What C2SP has and Go has not,
// entry bundles, checkpoints and cosignatures, is read here after the specifications.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"judge/note"
	"judge/tlog"
)

const height = 8
const full = 1 << height

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 3 && arguments[0] == "read":
		return read(files{arguments[1]}, arguments[2], "")
	case len(arguments) == 4 && arguments[0] == "read":
		return read(files{arguments[1]}, arguments[2], arguments[3])
	case len(arguments) == 2 && arguments[0] == "proofs":
		return proofs(files{arguments[1]})
	case len(arguments) >= 3 && arguments[0] == "write":
		return write(arguments[1], arguments[2:])
	}
	return errors.New("expected: read FOLDER|URL VKEY [WITNESS], proofs FOLDER|URL, write FOLDER SIZE...")
}

// files are a folder or an address.
type files struct{ root string }

const maximum = 64 << 20

func (f files) get(path string) ([]byte, error) {
	if !strings.HasPrefix(f.root, "http://") && !strings.HasPrefix(f.root, "https://") {
		return os.ReadFile(filepath.Join(f.root, filepath.FromSlash(path)))
	}
	client := http.Client{Timeout: 30 * time.Second}
	answer, err := client.Get(strings.TrimSuffix(f.root, "/") + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, maximum))
}

// getPartial takes the full file where the partial one is gone, as the specification allows.
func (f files) getPartial(path string) ([]byte, error) {
	data, err := f.get(path)
	if whole, _, partial := strings.Cut(path, ".p/"); err != nil && partial {
		if more, fullErr := f.get(whole); fullErr == nil {
			return more, nil
		}
	}
	return data, err
}

// c2sp is the path of a tile without Go's height.
func c2sp(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	if rest, found := strings.CutPrefix(path, "data/"); found {
		path = "entries/" + rest
	}
	return "tile/" + path
}

// tiles is what Go's reader asks for tiles; it saves nothing.
type tiles struct {
	files files
	read  int
}

func (t *tiles) Height() int { return height }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		data, err := t.files.getPartial(c2sp(tile))
		if err != nil {
			return nil, err
		}
		length := tile.W * tlog.HashSize
		if len(data) != length && (len(data) != full*tlog.HashSize || len(data) < length) {
			return nil, fmt.Errorf("%s has %d bytes, expected %d", c2sp(tile), len(data), length)
		}
		all = append(all, data[:length])
		t.read++
	}
	return all, nil
}

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

type head struct {
	origin string
	size   int64
	root   tlog.Hash
}

func parseHead(text string) (head, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" {
		return head{}, errors.New("the note is no checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(size, 10) != lines[1] || size < 0 {
		return head{}, fmt.Errorf("the checkpoint has no size: %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return head{}, err
	}
	return head{lines[0], size, root}, nil
}

// cosigner verifies a witness's cosignature: type 0x04.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	header := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(signature))
	return ed25519.Verify(c.key, append([]byte(header), text...), signature[8:])
}

func newCosigner(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("the witness's key is malformed")
	}
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return nil, errors.New("the witness's key is not of type 0x04")
	}
	return cosigner{parts[0], uint32(hash), key[1:]}, nil
}

func openHead(data []byte, vkey, witness string) (head, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return head{}, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return head{}, err
	}
	if witness != "" {
		cosigner, err := newCosigner(witness)
		if err != nil {
			return head{}, err
		}
		if _, err := note.Open(data, note.VerifierList(cosigner)); err != nil {
			return head{}, fmt.Errorf("the cosignature: %w", err)
		}
	}
	return parseHead(opened.Text)
}

func read(files files, vkey, witness string) error {
	data, err := files.get("checkpoint")
	if err != nil {
		return err
	}
	head, err := openHead(data, vkey, witness)
	if err != nil {
		return err
	}
	source := &tiles{files: files}
	reader := tlog.TileHashReader(tlog.Tree{N: head.size, Hash: head.root}, source)
	root, err := tlog.TreeHash(head.size, reader)
	if err != nil {
		return err
	}
	if root != head.root {
		return errors.New("the tiles have another root than the checkpoint")
	}
	for first := int64(0); first < head.size; first += full {
		if err := readBundle(files, reader, first, head.size); err != nil {
			return err
		}
	}
	if err := proveSome(reader, head); err != nil {
		return err
	}
	fmt.Printf("%s: %d entries and %d tiles read, root %v\n", head.origin, head.size, source.read, head.root)
	return nil
}

// readBundle compares the hashes of a bundle's entries with the proved tile.
func readBundle(files files, reader tlog.HashReader, first, size int64) error {
	width := min(full, size-first)
	tile := tlog.Tile{H: height, L: -1, N: first / full, W: int(width)}
	data, err := files.getPartial(c2sp(tile))
	if err != nil {
		return err
	}
	var indexes []int64
	for offset := range width {
		indexes = append(indexes, tlog.StoredHashIndex(0, first+offset))
	}
	hashes, err := reader.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for offset := range width {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return fmt.Errorf("%s ends early", c2sp(tile))
		}
		length := 2 + int(binary.BigEndian.Uint16(data))
		if tlog.RecordHash(data[2:length]) != hashes[offset] {
			return fmt.Errorf("entry %d is not the one in the tree", first+offset)
		}
		data = data[length:]
	}
	if len(data) > 0 && width < full {
		// The full bundle stands for the partial one.
		return nil
	}
	if len(data) > 0 {
		return fmt.Errorf("%s goes on after its last entry", c2sp(tile))
	}
	return nil
}

// proveSome makes and checks proofs from the tiles.
func proveSome(reader tlog.HashReader, head head) error {
	step := max(1, head.size/97)
	for index := int64(0); index < head.size; index += step {
		proof, err := tlog.ProveRecord(head.size, index, reader)
		if err != nil {
			return err
		}
		hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, head.size, head.root, index, hashes[0]); err != nil {
			return err
		}
		older := index + 1
		root, err := tlog.TreeHash(older, reader)
		if err != nil {
			return err
		}
		growth, err := tlog.ProveTree(head.size, older, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(growth, head.size, head.root, older, root); err != nil {
			return err
		}
	}
	return nil
}

// proofs checks the lines of proofs.txt, each as it is and with every hash changed:
//
//	inclusion INDEX LEAF SIZE ROOT [HASH...]
//	consistency OLD ROOT NEW ROOT [HASH...]
func proofs(files files) error {
	data, err := files.get("proofs.txt")
	if err != nil {
		return err
	}
	checked, refused := 0, 0
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			return fmt.Errorf("no proof: %q", line)
		}
		if err := checkLine(fields); err != nil {
			return fmt.Errorf("%w: %q", err, line)
		}
		checked++
		for place := 2; place < len(fields); place++ {
			if place == 3 {
				continue
			}
			changed := append([]string{}, fields...)
			changed[place] = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(place)}, 32))
			if checkLine(changed) == nil {
				return fmt.Errorf("accepted with hash %d changed: %q", place, line)
			}
			refused++
		}
	}
	if err := proofFile(files); err != nil {
		return err
	}
	fmt.Printf("%d proofs checked, and refused with each of %d hashes changed\n", checked, refused)
	return nil
}

func checkLine(fields []string) error {
	var numbers [2]int64
	var named [2]tlog.Hash
	for side := range 2 {
		var err error
		if numbers[side], err = strconv.ParseInt(fields[1+2*side], 10, 64); err != nil {
			return err
		}
		if named[side], err = tlog.ParseHash(fields[2+2*side]); err != nil {
			return err
		}
	}
	var hashes []tlog.Hash
	for _, field := range fields[5:] {
		hash, err := tlog.ParseHash(field)
		if err != nil {
			return err
		}
		hashes = append(hashes, hash)
	}
	switch fields[0] {
	case "inclusion":
		return tlog.CheckRecord(hashes, numbers[1], named[1], numbers[0], named[0])
	case "consistency":
		return tlog.CheckTree(hashes, numbers[1], named[1], numbers[0], named[0])
	}
	return errors.New("no proof of a known kind")
}

// proofFile checks entry.tlog-proof, whose extra data are the entry, with the key in the file vkey.
func proofFile(files files) error {
	data, err := files.get("entry.tlog-proof")
	if err != nil {
		return err
	}
	vkey, err := files.get("vkey")
	if err != nil {
		return err
	}
	top, signed, found := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(top), "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("entry.tlog-proof is no proof")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	head, err := openHead(signed, strings.TrimSpace(string(vkey)), "")
	if err != nil {
		return err
	}
	fields := []string{
		"inclusion", strconv.FormatInt(index, 10), tlog.RecordHash(entry).String(),
		strconv.FormatInt(head.size, 10), head.root.String(),
	}
	return checkLine(append(fields, lines[3:]...))
}

// log is a tree in memory, as Go stores it.
type log struct {
	hashes  []tlog.Hash
	entries [][]byte
}

func (l *log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		found = append(found, l.hashes[index])
	}
	return found, nil
}

func (l *log) append(entry []byte) error {
	hashes, err := tlog.StoredHashes(int64(len(l.entries)), entry, l)
	l.hashes = append(l.hashes, hashes...)
	l.entries = append(l.entries, entry)
	return err
}

func write(folder string, sizes []string) error {
	secret, vkey, err := note.GenerateKey(rand.Reader, "example.org/judge")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	put := func(path string, data []byte) error {
		path = filepath.Join(folder, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o644)
	}
	var log log
	var lines strings.Builder
	var from int64
	var before tlog.Hash
	for _, text := range sizes {
		size, err := strconv.ParseInt(text, 10, 64)
		if err != nil || size <= from {
			return fmt.Errorf("sizes have to ascend: %q", text)
		}
		for index := from; index < size; index++ {
			if err := log.append([]byte(fmt.Sprintf("entry %d of the judge\n", index))); err != nil {
				return err
			}
		}
		for _, tile := range tlog.NewTiles(height, from, size) {
			data, err := tlog.ReadTileData(tile, &log)
			if err == nil {
				err = put(c2sp(tile), data)
			}
			if err != nil {
				return err
			}
			if tile.L == 0 {
				if err := put("tile/entries/"+strings.TrimPrefix(c2sp(tile), "tile/0/"), log.bundle(tile)); err != nil {
					return err
				}
			}
		}
		root, err := tlog.TreeHash(size, &log)
		if err != nil {
			return err
		}
		if err := log.prove(&lines, from, before, size, root); err != nil {
			return err
		}
		text := fmt.Sprintf("example.org/judge\n%d\n%v\n", size, root)
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err == nil {
			err = put("checkpoint", signed)
		}
		if err != nil {
			return err
		}
		from, before = size, root
	}
	if err := put("vkey", []byte(vkey+"\n")); err != nil {
		return err
	}
	return put("proofs.txt", []byte(lines.String()))
}

func (l *log) bundle(tile tlog.Tile) []byte {
	var data []byte
	for _, entry := range l.entries[tile.N*full : tile.N*full+int64(tile.W)] {
		data = binary.BigEndian.AppendUint16(data, uint16(len(entry)))
		data = append(data, entry...)
	}
	return data
}

func (l *log) prove(lines *strings.Builder, from int64, before tlog.Hash, size int64, root tlog.Hash) error {
	write := func(words ...any) { fmt.Fprint(lines, words...) }
	for _, index := range []int64{0, size / 3, size - 1} {
		proof, err := tlog.ProveRecord(size, index, l)
		if err != nil {
			return err
		}
		write("inclusion ", index, " ", tlog.RecordHash(l.entries[index]), " ", size, " ", root)
		for _, hash := range proof {
			write(" ", hash)
		}
		write("\n")
	}
	if from == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(size, from, l)
	write("consistency ", from, " ", before, " ", size, " ", root)
	for _, hash := range proof {
		write(" ", hash)
	}
	write("\n")
	return err
}
