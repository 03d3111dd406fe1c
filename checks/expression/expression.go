// Package expression compiles and runs the CEL of a policy: house rules, `when: {expression: …}` and messages.
//
// It refuses what could run for long or reach outside: no I/O, no clock, no text or nesting without bound; every
// evaluation has a limit on its steps, which also bounds its memory; one that passes it is an error, never a value.
package expression

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"

	"github.com/sluicegate/sluice/checks/patterns"
)

// Limits. The steps are CEL's own count: about one per operation, more for long strings.
const (
	mostSource = 4096    // bytes of one expression
	mostNodes  = 2000    // of the syntax tree, macros expanded
	mostDepth  = 40      // of nesting
	mostSteps  = 400_000 // of one evaluation: all of 3,000 files with a hundred steps each
	mostRegex  = 2000    // instructions of a regular expression
)

// Program is one compiled expression. It is safe for concurrent use.
type Program struct {
	Source string
	run    cel.Program
	words  *vocabulary
	result *cel.Type
}

// Error is why an expression does not compile, and where in its text; Line and Column are from 1.
type Error struct {
	Line, Column int
	Message      string
}

func (e *Error) Error() string { return e.Message }

// environment is built once, by the first expression: a policy without one does not pay for it.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	words, err := newVocabulary()
	if err != nil {
		return nil, err
	}
	options := []cel.EnvOption{
		cel.CustomTypeProvider(words), cel.CustomTypeAdapter(words),
		cel.DefaultUTCTimeZone(true), cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(mostSource), cel.ParserRecursionLimit(mostDepth), cel.ParserErrorRecoveryLimit(4),
		cel.ExpressionNodeLimit(mostNodes), cel.RegexProgramSizeLimit(mostRegex),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateComprehensionNestingLimit(3)),
	}
	options = append(options, functions(words)...)
	return cel.NewEnv(append(options, variables()...)...)
})

// Compile compiles a condition: an expression whose value is true or false. The error is an *Error.
func Compile(src string) (*Program, error) {
	p, err := compile(src)
	if err != nil {
		return nil, err
	}
	if !p.result.IsExactType(cel.BoolType) {
		return nil, &Error{1, 1, fmt.Sprintf("must be true or false, but this expression gives %s", p.result)}
	}
	return p, nil
}

// compile compiles an expression of any type.
func compile(src string) (*Program, error) {
	if strings.TrimSpace(src) == "" {
		return nil, &Error{1, 1, "the expression is empty"}
	}
	if len(src) > mostSource {
		return nil, &Error{1, 1, fmt.Sprintf("the expression is longer than %d bytes", mostSource)}
	}
	env, err := environment()
	if err != nil {
		return nil, &Error{1, 1, err.Error()}
	}
	tree, issues := env.Compile(src)
	if issues.Err() != nil {
		return nil, problem(issues)
	}
	if e := constructs(tree); e != nil {
		return nil, e
	}
	run, err := env.Program(tree, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(mostSteps), costs())
	if err != nil {
		return nil, &Error{1, 1, err.Error()}
	}
	return &Program{Source: src, run: run, words: env.CELTypeProvider().(*vocabulary), result: tree.OutputType()}, nil
}

// constructs refuses expressions that make objects: the facts are read and never made.
func constructs(tree *cel.Ast) *Error {
	root := ast.NavigateAST(tree.NativeRep())
	for _, e := range ast.MatchDescendants(root, ast.KindMatcher(ast.StructKind)) {
		at := tree.NativeRep().SourceInfo().GetStartLocation(e.ID())
		return &Error{max(at.Line(), 1), max(at.Column(), 0) + 1, fmt.Sprintf("%s cannot be made in an expression, only read", e.AsStruct().TypeName())}
	}
	return nil
}

var unknownWord = patterns.New(`(?:undefined field|undeclared reference to) '([^']*)'(?: \(in container ''\))?`)

// problem makes CEL's first issue ours.
func problem(issues *cel.Issues) *Error {
	errs := issues.Errors()
	if len(errs) == 0 {
		return &Error{1, 1, issues.Err().Error()}
	}
	first := errs[0]
	message := strings.TrimPrefix(first.Message, "Syntax error: ")
	if message == "invalid matches argument" {
		message = "this is not a regular expression (RE2)"
	}
	if m := unknownWord.FindStringSubmatch(message); m != nil {
		message = fmt.Sprintf("the facts have nothing called %q", m[1])
		if word := nearest(m[1]); word != "" {
			message += fmt.Sprintf("; did you mean %q?", word)
		}
	}
	if r := []rune(message); len(r) > 300 {
		message = string(r[:300]) + "…"
	}
	return &Error{max(first.Location.Line(), 1), max(first.Location.Column(), 0) + 1, message}
}

// Eval says whether the condition holds for the facts. An error says why there is no answer: a part of the facts that
// is not known (the very error that the Object gave), or a limit that was passed.
func (p *Program) Eval(b *Binding) (bool, error) {
	v, err := p.value(b)
	if err != nil {
		return false, err
	}
	holds, ok := v.(types.Bool)
	if !ok {
		return false, fmt.Errorf("the expression gave %v, not true or false", v)
	}
	return bool(holds), nil
}

// value evaluates an expression of any type.
func (p *Program) value(b *Binding) (any, error) {
	if p == nil || p.run == nil {
		return nil, errors.New("the expression was not compiled")
	}
	b.words = p.words
	v, _, err := p.run.Eval(b)
	if err == nil {
		return v, nil
	}
	var cancelled interpreter.EvalCancelledError
	var missing *withheld
	switch {
	case errors.As(err, &cancelled):
		return nil, errors.New("the expression takes more steps than are allowed; make it simpler")
	case errors.As(err, &missing):
		return nil, missing.error
	}
	return nil, fmt.Errorf("the expression has no value here: %w", err)
}
