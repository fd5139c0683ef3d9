// Judges what `lockbench export RUN --to porcupine` wrote with Porcupine
// (https://github.com/anishathalye/porcupine): is the history of each key that of a
// mutex? Needs a Porcupine that has NondeterministicModel.
//
//	go mod init judge && go get github.com/anishathalye/porcupine@latest
//	go run . [-belief] [-timeout 1m] RUN/histories/*.porcupine.jsonl
//
// Exit code: 0 linearizable, 1 not, 2 unknown (time out, or a file that cannot be read).
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/anishathalye/porcupine"
)

// One line of the file. Instants are nanoseconds since the start of the warm-up.
type line struct {
	Key      uint32 `json:"key"`
	Client   int    `json:"client"`
	Kind     string `json:"kind"`
	Call     int64  `json:"call"`
	Return   int64  `json:"return"`
	Outcome  string `json:"outcome"`
	Answered *int64 `json:"answered"`
}

type input struct {
	key     uint32
	release bool
}

// The state is whether the key is held; the output, whether the operation surely took effect.
func mutex() porcupine.Model {
	model := porcupine.NondeterministicModel{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			byKey := map[uint32][]porcupine.Operation{}
			for _, op := range history {
				key := op.Input.(input).key
				byKey[key] = append(byKey[key], op)
			}
			parts := make([][]porcupine.Operation, 0, len(byKey))
			for _, part := range byKey {
				parts = append(parts, part)
			}
			return parts
		},
		Init: func() []interface{} { return []interface{}{false} },
		Step: func(state, in, out interface{}) []interface{} {
			held, release, sure := state.(bool), in.(input).release, out.(bool)
			next := []interface{}{}
			if held == release {
				next = append(next, !held)
			}
			if !sure {
				next = append(next, held)
			}
			return next
		},
	}
	return model.ToModel()
}

func read(path string, belief bool) ([]porcupine.Operation, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var history []porcupine.Operation
	scanner := bufio.NewScanner(file)
	for number := 1; scanner.Scan(); number++ {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, number, err)
		}
		release, end := l.Kind == "release", l.Return
		var sure bool
		switch {
		case l.Outcome == "ok":
			sure = true
		case release && belief && (l.Outcome == "not_owner" || l.Outcome == "unavailable"):
			// The client's critical section was over, whatever the server thought.
			sure = true
			if l.Answered != nil {
				end = *l.Answered
			}
		case l.Outcome == "unknown", l.Outcome == "died", l.Outcome == "lost", l.Outcome == "open",
			release && l.Outcome == "unavailable":
			sure = false
		default:
			continue // surely no effect
		}
		history = append(history, porcupine.Operation{
			ClientId: l.Client, Input: input{l.Key, release}, Call: l.Call, Output: sure, Return: end,
		})
	}
	return history, scanner.Err()
}

func main() {
	belief := flag.Bool("belief", false, "take the client's word where a release found the lock gone")
	timeout := flag.Duration("timeout", time.Minute, "for each file")
	flag.Parse()
	exit := 0
	for _, path := range flag.Args() {
		history, err := read(path, *belief)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		result := porcupine.CheckOperationsTimeout(mutex(), history, *timeout)
		fmt.Printf("%s\t%s\t%d operations\n", path, result, len(history))
		if result == porcupine.Illegal {
			exit = 1
		} else if result == porcupine.Unknown && exit == 0 {
			exit = 2
		}
	}
	os.Exit(exit)
}
