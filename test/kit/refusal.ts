import { expect } from 'vitest'
import { type Exit, runToEnd } from './nodes.ts'

/** A word for the passwords of URLs, which no program may print. */
export const secretWord = 'Hidden-Word-7'

/**
 * Runs a program that must refuse: it ends by itself with a code that is not 0, says one sentence on stderr and shows
 * neither a stack nor a password. Answers the sentence, without who says it.
 */
export async function expectRefusal(
  env: Readonly<Record<string, string>>,
  script: 'main' | 'migrate' = 'main',
): Promise<string> {
  const exit = await runToEnd(script, { env })
  expectClean(exit)
  expect(exit.code, exit.stderr).toBe(1)
  const prefix = script === 'main' ? 'ocean-graph did not start: ' : 'ocean-graph did not migrate: '
  expect(exit.stderr).toMatch(new RegExp(`^${prefix}[^\\n]+\\n$`))
  return exit.stderr.slice(prefix.length).trimEnd()
}

/** Runs a program in an environment that it must refuse with EX_CONFIG of sysexits.h; answers the faults, one each. */
export async function expectFaults(env: Readonly<Record<string, string>>): Promise<string[]> {
  const exit = await runToEnd('main', { env })
  expectClean(exit)
  expect(exit.code, exit.stderr).toBe(78)
  const [heading, ...faults] = exit.stderr.trimEnd().split('\n')
  expect(heading).toBe('The environment cannot be run with:')
  return faults.map((fault) => fault.trim())
}

function expectClean({ stdout, stderr }: Exit): void {
  expect(stderr).not.toMatch(/\n\s+at /)
  expect(stdout + stderr).not.toContain(secretWord)
  expect(stdout).not.toContain('listening')
}
