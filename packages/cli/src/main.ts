#!/usr/bin/env node
import { runNokkel } from './run.ts'
import { processTerminal } from './terminal/terminal.ts'

process.exitCode = await runNokkel(process.argv.slice(2), processTerminal())
