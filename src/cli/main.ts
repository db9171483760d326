#!/usr/bin/env bun
import { createProgram } from './program.ts'
import { withTwoDashes } from './single-dash.ts'
import { endOnWriteErrors } from './write-errors.ts'

const program = createProgram(process.env)
endOnWriteErrors(program)
await program.parseAsync(withTwoDashes(process.argv))
