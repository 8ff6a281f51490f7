#!/usr/bin/env node
// The program `gatehouse`: hands the words of the command line to the command-line room.

import { processTerminal } from './cli/exit.ts';
import { runProgram } from './cli/program.ts';

await runProgram(process.argv.slice(2), processTerminal());
