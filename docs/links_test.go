// Package docs tests the documentation: every link resolves, and every page can be found.
package docs

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// index is the page from which every other page in docs/ must be reachable.
const index = "docs/README.md"

// page is a Markdown file of the repository.
type page struct {
	// links are the destinations, without those on other sites.
	links []string
	// anchors are the fragments that GitHub gives its headings.
	anchors []string
}

// TestLinks checks that every relative link leads to a file, and every fragment to a heading.
func TestLinks(t *testing.T) {
	t.Parallel()
	pages := loadPages(t)
	require.Contains(t, pages, index)
	for name, p := range pages {
		for _, link := range p.links {
			target, fragment := resolve(name, link)
			if _, err := fs.Stat(root(), target); err != nil {
				t.Errorf("%s: the link %s leads nowhere: %v", name, link, err)
				continue
			}
			if fragment != "" && !slices.Contains(pages[target].anchors, fragment) {
				t.Errorf("%s: %s has no heading for the link %s; it has %q", name, target, link, pages[target].anchors)
			}
		}
	}
}

// TestIndex checks that every page in docs/ is reachable from the index.
func TestIndex(t *testing.T) {
	t.Parallel()
	pages := loadPages(t)
	reached, next := map[string]bool{index: true}, []string{index}
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		for _, link := range pages[name].links {
			target, _ := resolve(name, link)
			if strings.HasPrefix(target, "docs/") && !reached[target] {
				reached[target] = true
				next = append(next, target)
			}
		}
	}
	for name := range pages {
		if strings.HasPrefix(name, "docs/") && !reached[name] {
			t.Errorf("no link leads from %s to %s", index, name)
		}
	}
}

var mention = regexp.MustCompile(`docs/[a-z/-]*[A-Za-z-]+\.md\b`) // begins with a literal, which is fast

// TestMentions checks that the pages exist which comments, messages and scripts name.
func TestMentions(t *testing.T) {
	t.Parallel()
	mentions := 0
	walk(t, func(name string) {
		content, err := fs.ReadFile(root(), name)
		require.NoError(t, err)
		for _, page := range mention.FindAllString(string(content), -1) {
			mentions++
			if _, err := fs.Stat(root(), page); err != nil {
				t.Errorf("%s names %s: %v", name, page, err)
			}
		}
	})
	require.Greater(t, mentions, 10)
}

func root() fs.FS { return os.DirFS("..") }

// walk visits the files of the repository that people write.
func walk(t *testing.T, visit func(name string)) {
	t.Helper()
	skipped := []string{".git", ".bin", "gen", "node_modules"}
	require.NoError(t, fs.WalkDir(root(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(skipped, entry.Name()):
			return fs.SkipDir
		case entry.Type().IsRegular() && entry.Name() != ".git": // in a worktree, .git is a file
			visit(name)
		}
		return nil
	}))
}

// loadPages reads every Markdown file, by its path from the root of the repository.
func loadPages(t *testing.T) map[string]page {
	t.Helper()
	pages := map[string]page{}
	walk(t, func(name string) {
		if path.Ext(name) != ".md" {
			return
		}
		source, err := fs.ReadFile(root(), name)
		require.NoError(t, err)
		pages[name] = parse(t, source)
	})
	return pages
}

func parse(t *testing.T, source []byte) page {
	t.Helper()
	var p page
	document := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	require.NoError(t, ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := node.(type) {
		case *ast.Heading:
			p.anchors = append(p.anchors, unique(p.anchors, anchor(plain(n, source))))
		case *ast.Link:
			p.links = appendRelative(p.links, string(n.Destination))
		case *ast.Image:
			p.links = appendRelative(p.links, string(n.Destination))
		}
		return ast.WalkContinue, nil
	}))
	return p
}

func appendRelative(links []string, destination string) []string {
	if u, err := url.Parse(destination); err == nil && u.IsAbs() {
		return links
	}
	return append(links, destination)
}

// resolve returns the file and the fragment that a link on a page leads to.
func resolve(from, link string) (target, fragment string) {
	target, fragment, _ = strings.Cut(link, "#")
	if target == "" {
		return from, fragment
	}
	return path.Join(path.Dir(from), target), fragment
}

// plain returns the text of a node without markup.
func plain(node ast.Node, source []byte) string {
	var b strings.Builder
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		if t, ok := child.(*ast.Text); ok {
			b.Write(t.Value(source))
			continue
		}
		b.WriteString(plain(child, source))
	}
	return b.String()
}

// anchor returns the fragment that GitHub gives a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// unique appends a number to an anchor that the page has already, as GitHub does.
func unique(anchors []string, wanted string) string {
	name := wanted
	for n := 1; slices.Contains(anchors, name); n++ {
		name = fmt.Sprintf("%s-%d", wanted, n)
	}
	return name
}
