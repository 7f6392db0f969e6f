import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'

// `npm run check`: all that a change must pass. Every step runs, whatever failed before; the last line counts the tests.

const reportPath = 'test-output/report.json'
const stepLimitMillis = 30 * 60_000
const generatedPaths = ['schema/schema.graphql', 'schema/permissions.md', 'test/gql']

/** What a step adds to the last line; a step that is no test adds only its failure. */
export type Tally = { passed: number; failed: number }

/** The part of vitest's JSON report that is read here. */
export type TestReport = {
  testResults: { name: string; status: string; assertionResults: { status: string }[] }[]
}

/** Counts tests; a file that broke outside its tests is one failure, so is a report without tests, so is, where all must run, a test that did not. */
export function countTests(report: TestReport, allMustRun: boolean): Tally {
  const statuses = report.testResults.flatMap((file) => file.assertionResults.map(({ status }) => status))
  const count = (wanted: string) => statuses.filter((status) => status === wanted).length
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed'),
  )
  const passed = count('passed')
  const notRun = statuses.length - passed - count('failed')
  const isEmpty = statuses.length === 0 && brokenFiles.length === 0
  if (notRun > 0)
    console.log(`${notRun} tests did not run${allMustRun ? ', and REQUIRE_SERVICES=1 wants all of them' : ''}`)
  const failed = count('failed') + brokenFiles.length + (allMustRun ? notRun : 0) + (isEmpty ? 1 : 0)
  return { passed, failed }
}

/** Reads every file at or below the paths; what does not exist is left out. */
export function readFiles(paths: string[]): Map<string, string> {
  const isFile = (path: string) => statSync(path).isFile()
  const files = paths.flatMap((path) => [...(existsSync(path) ? [path] : []), ...globSync(`${path}/**`)]).filter(isFile)
  return new Map(files.map((path) => [path, readFileSync(path, 'latin1')]))
}

/** The paths that are new, gone or different, sorted. */
export function differingPaths(before: Map<string, string>, after: Map<string, string>): string[] {
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths].filter((path) => before.get(path) !== after.get(path)).sort()
}

/** Makes the paths what they were when `before` was read: what came since is gone. */
export function restoreFiles(before: Map<string, string>, paths: string[]): void {
  for (const path of paths) {
    const text = before.get(path)
    if (text === undefined) rmSync(path)
    else writeFileSync(path, text, 'latin1')
  }
}

function runCommand(command: string, ...args: string[]): boolean {
  const path = `${resolve('node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`
  const { status, error } = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PATH: path },
    timeout: stepLimitMillis,
  })
  if (error !== undefined) console.log(`${command}: ${error.message}`)
  return status === 0
}

function runPlain(command: string, ...args: string[]): Tally {
  return { passed: 0, failed: runCommand(command, ...args) ? 0 : 1 }
}

function regenerate(): Tally {
  const before = readFiles(generatedPaths)
  const isGenerated = runCommand('npm', 'run', '--silent', 'codegen')
  const stale = differingPaths(before, readFiles(generatedPaths))
  // A check changes nothing; and were the new files left here, the next one would call them up to date.
  restoreFiles(before, stale)
  for (const path of stale) console.log(`${path} is not what the source makes: npm run codegen, review and commit it`)
  return { passed: 0, failed: isGenerated && stale.length === 0 ? 0 : 1 }
}

function runTests(): Tally {
  // A report of an earlier run must not stand in for one that was never written.
  rmSync(reportPath, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`]
  const hasPassed = runCommand('npm', 'test', '--', ...reporters)
  if (!existsSync(reportPath)) return { passed: 0, failed: 1 }
  const report: TestReport = JSON.parse(readFileSync(reportPath, 'utf8'))
  const { passed, failed } = countTests(report, process.env.REQUIRE_SERVICES === '1')
  // An error outside of any test shows in the exit code alone.
  return { passed, failed: failed === 0 && !hasPassed ? 1 : failed }
}

const steps: { heading: string; run: () => Tally }[] = [
  { heading: 'lint and format', run: () => runPlain('biome', 'check', '.') },
  { heading: 'types', run: () => runPlain('tsc') },
  { heading: 'generated files', run: regenerate },
  { heading: 'migrations', run: () => runPlain('node', 'src/migrate.ts', '--check') },
  { heading: 'tests', run: runTests },
]

function check(): Tally {
  const total: Tally = { passed: 0, failed: 0 }
  const summary: string[] = []
  for (const { heading, run } of steps) {
    console.log(`\n== ${heading}`)
    const startedAt = performance.now()
    const { passed, failed } = run()
    total.passed += passed
    total.failed += failed
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    summary.push(`${failed === 0 ? 'ok    ' : 'FAILED'} ${heading} (${seconds} s)`)
    console.log(`== ${summary.at(-1)}`)
  }
  console.log(`\n${summary.join('\n')}`)
  return total
}

if (import.meta.main) {
  const { passed, failed } = check()
  process.exitCode = failed === 0 ? 0 : 1
  console.log(`${passed} passed, ${failed} failed`)
}
