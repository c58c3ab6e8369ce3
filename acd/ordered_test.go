package acd_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tandem-cc/tandem/acd"
)

func TestOrdered_IsASortedList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var list acd.Numbers
		model := []acd.Number{}
		next := acd.Number(0)
		for range rapid.IntRange(1, 30).Draw(t, "rounds") {
			n := rapid.IntRange(1, 400).Draw(t, "n")
			switch rapid.IntRange(0, 3).Draw(t, "deed") {
			case 0: // at the end
				for range n {
					next += 3
					list.Insert(next)
					model = append(model, next)
				}
			case 1: // from the front
				for range min(n, len(model)) {
					require.Equal(t, model[0], list.First())
					require.True(t, list.Remove(model[0]))
					model = model[1:]
				}
			case 2: // anywhere
				for _, x := range rapid.SliceOfN(rapid.IntRange(0, int(next)+1), 1, 50).Draw(t, "in") {
					x := acd.Number(x)
					i, found := slices.BinarySearch(model, x)
					require.Equal(t, i, list.Rank(x))
					if !found {
						list.Insert(x)
						model = slices.Insert(model, i, x)
					}
				}
			case 3:
				for _, x := range rapid.SliceOfN(rapid.IntRange(0, int(next)+1), 1, 50).Draw(t, "out") {
					x := acd.Number(x)
					i, found := slices.BinarySearch(model, x)
					require.Equal(t, found, list.Remove(x))
					if found {
						model = slices.Delete(model, i, i+1)
					}
				}
			}
			require.Equal(t, len(model), list.Len())
			require.Equal(t, model, list.All())
		}
	})
}

func TestTimers_ComeDueInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		type set struct{ at, ord int64 }
		alarms := acd.NewAlarms()
		model := map[int]set{}
		for ord := range rapid.IntRange(1, 200).Draw(t, "steps") {
			i := rapid.IntRange(0, 15).Draw(t, "timer")
			switch rapid.IntRange(0, 3).Draw(t, "deed") {
			case 0, 1:
				at := int64(rapid.IntRange(0, 20).Draw(t, "at"))
				alarms.Set(i, at)
				model[i] = set{at, int64(ord)}
			case 2:
				alarms.Stop(i)
				delete(model, i)
			case 3:
				now := int64(rapid.IntRange(0, 20).Draw(t, "now"))
				want := -1
				for k, s := range model {
					if b := model[want]; s.at <= now && (want < 0 || s.at < b.at || s.at == b.at && s.ord < b.ord) {
						want = k
					}
				}
				require.Equal(t, want, alarms.Pop(now))
				delete(model, want)
			}
			at, ok := alarms.At(i)
			require.Equal(t, model[i].at, at)
			_, set := model[i]
			require.Equal(t, set, ok)
		}
	})
}
