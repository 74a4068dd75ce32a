// Reads a NACHA file with github.com/moov-io/ach, an implementation that shares nothing with ours, and validates it.
// Prints each entry: "code routing account cents reference trace". With "return CODE" it prints instead the file that
// the receiving bank would send back if it returned every entry.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/moov-io/ach"
)

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func returned(file *ach.File, code string) *ach.File {
	back := ach.NewFile()
	back.SetHeader(file.Header)
	for _, batch := range file.Batches {
		header := *batch.GetHeader()
		out, err := ach.NewBatch(&header)
		fail(err)
		for i, entry := range batch.GetEntries() {
			original := entry.TraceNumber
			switch entry.TransactionCode {
			case ach.CheckingDebit:
				entry.TransactionCode = ach.CheckingReturnNOCDebit
			case ach.SavingsDebit:
				entry.TransactionCode = ach.SavingsReturnNOCDebit
			case ach.CheckingCredit:
				entry.TransactionCode = ach.CheckingReturnNOCCredit
			case ach.SavingsCredit:
				entry.TransactionCode = ach.SavingsReturnNOCCredit
			}
			entry.Addenda05 = nil
			entry.AddendaRecordIndicator = 1
			entry.Category = ach.CategoryReturn
			entry.SetTraceNumber(header.ODFIIdentification, i+1)
			entry.Addenda99 = ach.NewAddenda99()
			entry.Addenda99.ReturnCode = code
			entry.Addenda99.OriginalTrace = original
			entry.Addenda99.OriginalDFI = entry.RDFIIdentification
			entry.Addenda99.TraceNumber = entry.TraceNumber
			out.AddEntry(entry)
		}
		fail(out.Create())
		back.AddBatch(out)
	}
	fail(back.Create())
	return back
}

func main() {
	in, err := os.Open(os.Args[1])
	fail(err)
	file, err := ach.NewReader(in).Read()
	fail(err)
	fail(file.Validate())
	if len(os.Args) == 4 && os.Args[2] == "return" {
		fail(ach.NewWriter(os.Stdout).Write(returned(&file, os.Args[3])))
		return
	}
	for _, batch := range file.Batches {
		for _, entry := range batch.GetEntries() {
			fmt.Println(entry.TransactionCode, entry.RDFIIdentification+entry.CheckDigit,
				strings.TrimSpace(entry.DFIAccountNumber), entry.Amount, strings.TrimSpace(entry.IdentificationNumber),
				entry.TraceNumber)
		}
	}
}
