import { expect, test } from 'bun:test'
import { withTwoDashes } from '../../../src/cli/single-dash.ts'

test('flags with one dash are taken as scripts for an older command line give them', () => {
  const given = ['submit', '-cmd=-cmd', '-priority', 'HIGH', '-name', 'n', '-h', '-desc=', '--in', '5s']
  const read = ['submit', '--cmd=-cmd', '--priority', 'HIGH', '--name', 'n', '-h', '--desc=', '--in', '5s']
  expect(withTwoDashes(given)).toEqual(read)
})

test('what only begins like one, and what comes after --, is left alone', () => {
  const given = ['-cmdx', '-command', 'cmd', '--', '-cmd=x']
  expect(withTwoDashes(given)).toEqual(given)
})

test('what is the value of another flag stays what it is', () => {
  const given = ['submit', '--cmd', '-name', '-name', '-cmd', '--json', '-desc=x', '--desc', '--', '-name=y']
  const read = [
    'submit',
    '--cmd',
    '-name',
    '--name',
    '-cmd',
    '--json',
    '--desc=x',
    '--desc',
    '--',
    '--name=y',
  ]
  expect(withTwoDashes(given)).toEqual(read)
})
