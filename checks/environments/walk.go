package environments

import (
	"fmt"
	"slices"
	"strings"
)

// walker turns trees into keys.
type walker struct {
	keys    []Key
	overlay bool // of Kustomize: patches, sparse by nature
	full    bool
	visits  int
}

// overlay says whether the path lies among Kustomize's overlays.
func overlay(p string) bool {
	return strings.Contains("/"+p, "/overlays/") || strings.Contains("/"+p, "/overlay/") || strings.HasSuffix(p, "/kustomization.yaml") || strings.HasSuffix(p, "/kustomization.yml")
}

func (w *walker) add(path string, line int, value string) {
	if len(w.keys) >= maxKeys || len(path) > maxPath {
		w.full = true
		return
	}
	w.keys = append(w.keys, Key{path, max(line, 1), value})
}

// document walks one document. Kubernetes' are told apart by what they describe.
func (w *walker) document(d *node, all []*node) {
	kind := d.text("kind")
	switch {
	case d.kind != mapping:
		w.walk("", d, 0)
	case kind == "Kustomization" || kind == "Component" && w.overlay || kind == "" && d.child("resources") != nil && w.overlay:
		w.generators(d)
	case kind != "" && d.text("apiVersion") != "":
		w.manifest(kind, d, all)
	default:
		w.walk("", d, 0)
	}
}

// manifest walks a Kubernetes object: without its metadata and its size, which differ by design; and of an overlay
// no more than the settings that it hands to programs.
func (w *walker) manifest(kind string, d *node, all []*node) {
	prefix := kind
	for _, o := range all {
		if o != d && o.text("kind") == kind {
			prefix = kind + "/" + neutral(d.child("metadata").text("name"))
			break
		}
	}
	if w.overlay {
		w.settings(prefix, d, 0)
		return
	}
	for i, name := range d.names {
		if name != "apiVersion" && name != "kind" && name != "metadata" && name != "status" {
			w.walk(prefix+"."+name, d.items[i], 1)
		}
	}
}

// neutral takes the environments' names out of an object's name.
func neutral(name string) string {
	return star(name, Known)
}

// sized are the parts of a manifest that say how much, not what.
func sized(name string) bool {
	switch name {
	case "resources", "replicas", "autoscaling", "annotations", "labels", "nodeSelector", "tolerations", "affinity", "strategy":
		return true
	}
	return false
}

// settings finds data, stringData and named env lists anywhere in an overlay's object.
func (w *walker) settings(prefix string, n *node, depth int) {
	if depth > maxDepth || !w.visit() {
		w.full = true
		return
	}
	for i, item := range n.items {
		if n.kind == list {
			w.settings(prefix, item, depth+1)
			continue
		}
		switch name := n.names[i]; {
		case depth == 0 && (name == "data" || name == "stringData" || name == "binaryData"):
			w.walk(prefix+"."+name, item, depth+1)
		case name == "env" || name == "encryptedData":
			w.walk(prefix+"."+name, item, depth+1)
		default:
			w.settings(prefix, item, depth+1)
		}
	}
}

// generators walks the literals of a kustomization's generators; the rest of it is a list of parts.
func (w *walker) generators(d *node) {
	for _, g := range []string{"configMapGenerator", "secretGenerator"} {
		c := d.child(g)
		if c == nil || c.kind != list {
			continue
		}
		for _, item := range c.items {
			literals := item.child("literals")
			if literals == nil {
				continue
			}
			for _, l := range literals.items {
				name, value, _ := strings.Cut(l.value, "=")
				w.add(fmt.Sprintf("%s[%s].%s", g, neutral(item.text("name")), name), l.line, value)
			}
		}
	}
}

func (w *walker) visit() bool {
	w.visits++
	return w.visits <= 5*maxKeys
}

func (w *walker) walk(prefix string, n *node, depth int) {
	if depth > maxDepth || !w.visit() {
		w.full = true
		return
	}
	switch n.kind {
	case scalar:
		w.add(prefix, n.line, n.value)
	case mapping:
		for i, name := range n.names {
			if strings.Contains(prefix, ".spec") || prefix == "spec" {
				if sized(name) {
					continue
				}
			}
			w.step(join(prefix, name), n.at[i], n.items[i], depth)
		}
	case list:
		w.items(prefix, n, depth)
	}
}

// step walks a named item; a scalar's line is that of its name, which is where people look.
func (w *walker) step(path string, line int, item *node, depth int) {
	if item.kind == scalar {
		w.add(path, line, item.value)
		return
	}
	w.walk(path, item, depth+1)
}

// items walks a list: by name where all items have one, else as one key with several values.
func (w *walker) items(prefix string, n *node, depth int) {
	if by := namedBy(n); by != "" {
		for _, item := range n.items {
			path := fmt.Sprintf("%s[%s]", prefix, item.text(by))
			if item.child("value") != nil || item.child("valueFrom") != nil {
				w.add(path, item.line, item.text("value"))
				continue
			}
			w.add(path, item.line, "")
			w.walk(path, item, depth+1)
		}
		return
	}
	w.add(prefix, n.line, "")
	w.values(prefix, n, depth)
}

// namedBy returns the field that names every item of the list, each differently, or "".
func namedBy(n *node) string {
	for _, by := range []string{"name", "key"} {
		var seen []string
		ok := len(n.items) > 0 && len(n.items) <= 1000
		for _, item := range n.items {
			name := item.text(by)
			ok = ok && name != "" && !strings.Contains(name, "{{")
			seen = append(seen, name)
		}
		slices.Sort(seen)
		if ok && len(slices.Compact(seen)) == len(n.items) {
			return by
		}
	}
	return ""
}

// values adds all scalars below as values of one key.
func (w *walker) values(prefix string, n *node, depth int) {
	if depth > maxDepth || !w.visit() {
		w.full = true
		return
	}
	for _, item := range n.items {
		if item.kind == scalar && item.value != "" {
			w.add(prefix, item.line, item.value)
		} else {
			w.values(prefix, item, depth+1)
		}
	}
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}
