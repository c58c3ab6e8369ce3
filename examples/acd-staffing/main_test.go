package main

import (
	"fmt"
	"os"
	"time"
)

func Example() {
	hour := plan{calls: 200, talk: 3 * time.Minute, patience: 4 * time.Minute, hours: 20}
	if err := hour.table(os.Stdout, 10, 14); err != nil {
		fmt.Println(err)
	}
	// Output:
	// agents  in 20 s  gave up  longest wait
	//       10   58.9 %   10.2 %         3m44s
	//       11   67.9 %    7.2 %         3m18s
	//       12   77.2 %    4.1 %          2m7s
	//       13   87.2 %    2.9 %         2m36s
	//       14   91.2 %    1.5 %         2m26s
}
