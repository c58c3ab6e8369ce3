package acd

import (
	"fmt"
	"strings"

	"github.com/tandem-cc/tandem"
)

// Strategies returns the strategies of this package at their zero values, the default first. Each is a fmt.Stringer.
func Strategies() []Strategy {
	return []Strategy{
		LongestIdle{}, LeastRecent{}, FewestCalls{}, LeastTalk{}, RoundRobin{}, Linear{}, Random{}, WeightedRandom{}, RingAll{}, Progressive{},
	}
}

// StrategyNames returns the names that StrategyByName knows.
func StrategyNames() []string {
	var names []string
	for _, s := range Strategies() {
		names = append(names, strategyName(s))
	}
	return names
}

// StrategyByName returns the strategy of a configuration file: the name as its String method gives it, or the name that Asterisk's app_queue or
// FreeSWITCH's mod_callcenter has for it. The empty name is the default. An unknown one is an ErrInvalid that lists the known.
func StrategyByName(name string) (Strategy, error) {
	switch name {
	case "":
		return LongestIdle{}, nil
	case "leastrecent":
		return LeastRecent{}, nil
	case "fewestcalls", "agent-with-fewest-calls":
		return FewestCalls{}, nil
	case "agent-with-least-talk-time":
		return LeastTalk{}, nil
	case "rrmemory", "rrordered", "round-robin":
		return RoundRobin{}, nil
	case "top_down", "top-down", "sequentially-by-agent-order":
		return Linear{}, nil
	case "wrandom":
		return WeightedRandom{}, nil
	case "ringall", "ring-all":
		return RingAll{}, nil
	case "ring-progressively":
		return Progressive{}, nil
	case "longest-idle-agent":
		return LongestIdle{}, nil
	}
	for _, s := range Strategies() {
		if strategyName(s) == name {
			return s, nil
		}
	}
	return nil, &tandem.ConfigError{
		Where: "strategy", What: fmt.Sprintf("%q is none of %s", name, strings.Join(StrategyNames(), ", ")),
	}
}
