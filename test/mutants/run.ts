import { spawn } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve as resolvePath } from 'node:path'
import { pathToFileURL } from 'node:url'
import { makeTemplateDirectory } from '../kit/global-setup.ts'
import { mutants } from './list.ts'
import { type Mutant, staleness } from './mutation.ts'

// `npm run test:mutants [part of a name]`: each gate switched off in turn, and the tests that have to notice.

const outputDirectory = 'test-output/mutants'
const atOnce = 2
const limitMillis = 100_000
const leastKilled = 0.95

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

/** What came of the tests under one mutant; `broken` is a mutant that proves nothing. */
type Outcome = { readonly state: 'killed' | 'survived' | 'broken'; readonly by: string; readonly seconds: number }

interface Selection {
  readonly files: readonly string[]
  /** Of vitest's `-t`; null for all. */
  readonly pattern: string | null
}

function selectionOf({ killers }: Pick<Mutant, 'killers'>): Selection {
  if ('files' in killers) return { files: killers.files, pattern: killers.named ?? null }
  const fields = killers.through.map((field) => field.replace('.', '\\.')).join('|')
  const pattern = `(${killers.actors}) > learns and changes nothing through (${fields})$`
  return { files: globSync('test/laws/strangers*.test.ts').toSorted(), pattern }
}

/** A server that breaks has not let anybody through. */
const isCrash = /not to contain 'INTERNAL_SERVER_ERROR'/

/** What every run needs alike: a database to copy, and the sources compiled as far as no mutant is in them. */
interface Bench {
  readonly template: string
  readonly compileCache: string
}

async function runTests(
  { template, compileCache }: Bench,
  { files, pattern }: Selection,
  { name, edits }: Pick<Mutant, 'name' | 'edits'>,
): Promise<Report | 'hang'> {
  const outputFile = join(outputDirectory, `${name.replaceAll(/\W+/g, '-')}.json`)
  rmSync(outputFile, { force: true })
  const loader = pathToFileURL(join(import.meta.dirname, 'loader.ts')).href
  const child = spawn(
    process.execPath,
    [
      ...['node_modules/vitest/vitest.mjs', 'run', '--project', 'embedded', '--maxWorkers', '1'],
      // A busy machine must not be taken for a red test.
      ...['--testTimeout', '60000', '--reporter', 'json', '--outputFile', outputFile],
      ...(edits.length > 0 ? ['--bail', '1'] : []),
      ...(pattern === null ? [] : ['-t', pattern]),
      ...files,
    ],
    {
      env: {
        ...process.env,
        NODE_OPTIONS: `--import ${loader}`,
        NODE_COMPILE_CACHE: compileCache,
        TEST_TEMPLATE: template,
        // With services some of the tests would run on them alone.
        REQUIRE_SERVICES: '',
        TEST_DATABASE_URL: '',
        TEST_REDIS_URL: '',
        MUTANT_EDITS: JSON.stringify(edits),
      },
      // A group of its own, so that all of it can be ended.
      detached: true,
      stdio: 'ignore',
    },
  )
  const { promise, resolve } = Promise.withResolvers<'ended' | 'hang'>()
  const timer = setTimeout(
    () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      resolve('hang')
    },
    limitMillis + (edits.length > 0 ? 0 : 2 * limitMillis),
  )
  child.on('exit', () => resolve('ended'))
  const end = await promise
  clearTimeout(timer)
  if (end === 'hang') return 'hang'
  try {
    return JSON.parse(readFileSync(outputFile, 'utf8'))
  } catch {
    return { testResults: [{ message: 'vitest left no report', assertionResults: [] }] }
  }
}

function outcomeOf(report: Report | 'hang', { proof }: Mutant): Omit<Outcome, 'seconds'> {
  if (report === 'hang') return { state: 'broken', by: 'the time limit' }
  const tests = report.testResults.flatMap((file) => file.assertionResults)
  const failed = tests.find(({ status }) => status === 'failed')
  if (failed !== undefined) {
    const [message = ''] = failed.failureMessages
    const by = [...failed.ancestorTitles, failed.title].join(' > ')
    const isAssertion = /^(AssertionError|Error: promise (resolved|rejected) )/.test(message) && !isCrash.test(message)
    const isProof = proof === undefined ? isAssertion : message.includes(proof)
    return isProof ? { state: 'killed', by } : { state: 'broken', by: `${by}: ${message.slice(0, 600)}` }
  }
  const passed = tests.filter(({ status }) => status === 'passed').length
  const message = report.testResults
    .map((file) => file.message)
    .join(' ')
    .trim()
  return passed === 0
    ? { state: 'broken', by: message.slice(0, 600) || 'no test was selected' }
    : { state: 'survived', by: '' }
}

/** Without a mutant all that is selected has to be green, or red would say nothing. */
async function checkUnmutated(bench: Bench, chosen: readonly Mutant[]): Promise<string[]> {
  const selections = new Map<string, Set<string>>()
  for (const { files, pattern } of chosen.map(selectionOf)) {
    const kind = files.length > 0 && files.every((file) => file.includes('/strangers')) ? 'law' : 'tests'
    const key = `${kind} ${pattern === null ? 'whole' : 'named'}`
    selections.set(key, (selections.get(key) ?? new Set()).add(JSON.stringify({ files, pattern })))
  }
  const runs = [...selections.values()].map((selected): Selection => {
    const parts = [...selected].map((one): Selection => JSON.parse(one))
    const patterns = parts.flatMap(({ pattern }) => (pattern === null ? [] : [pattern]))
    const files = [...new Set(parts.flatMap((part) => part.files))]
    return { files, pattern: patterns.length === 0 ? null : patterns.join('|') }
  })
  const reports = await Promise.all(
    runs.map((run, index) => runTests(bench, run, { name: `unmutated-${index}`, edits: [] })),
  )
  return reports.flatMap((report) => {
    if (report === 'hang') return ['the tests do not end']
    const tests = report.testResults.flatMap((file) => file.assertionResults)
    const red = tests.filter(({ status }) => status === 'failed').map(({ title }) => title)
    return tests.some(({ status }) => status === 'passed') ? red : [...red, 'no test ran']
  })
}

async function tryMutant(bench: Bench, mutant: Mutant): Promise<Outcome> {
  const start = performance.now()
  const report = await runTests(bench, selectionOf(mutant), mutant)
  const seconds = (performance.now() - start) / 1_000
  return { ...outcomeOf(report, mutant), seconds }
}

function faultOf({ survives }: Mutant, { state, by }: Outcome): string | null {
  if (state === 'broken') return `proves nothing: ${by}`
  if (state === 'survived' && survives === undefined) return 'survives, and nobody says why'
  return state === 'killed' && survives !== undefined ? `does not survive, though it is said: ${survives}` : null
}

async function main(filter: string, bench: Bench): Promise<boolean> {
  const start = performance.now()
  const chosen = mutants.filter(({ name }) => name.includes(filter))
  const stale = chosen.flatMap((mutant) => staleness(mutant).map((fault) => `${mutant.name}: ${fault}`))
  const red = stale.length > 0 || chosen.length === 0 ? [] : await checkUnmutated(bench, chosen)
  for (const fault of [...stale, ...red.map((title) => `red without a mutant: ${title}`)]) console.log(fault)
  if (stale.length > 0 || red.length > 0 || chosen.length === 0) return false

  const outcomes = new Map<Mutant, Outcome>()
  const queue = [...chosen]
  const work = async () => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const outcome = await tryMutant(bench, mutant)
      outcomes.set(mutant, outcome)
      const { state, by, seconds } = outcome
      console.log(`${state.padEnd(8)} ${seconds.toFixed(1).padStart(5)} s  ${mutant.name}${by && `  [${by}]`}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))

  const killed = outcomes
    .values()
    .filter(({ state }) => state === 'killed')
    .toArray().length
  const faults = [...outcomes].map(([mutant, outcome]) => [mutant.name, faultOf(mutant, outcome)] as const)
  console.log('\nSurvivors:')
  for (const [{ name, survives }, { state }] of outcomes)
    if (state === 'survived') console.log(`- ${name}: ${survives ?? 'no reason'}`)
  const real = faults.filter(([, fault]) => fault !== null)
  if (real.length > 0) console.log('\nFaults:')
  for (const [name, fault] of real) console.log(`- ${name}: ${fault}`)
  const share = killed / chosen.length
  const minutes = (performance.now() - start) / 60_000
  console.log(
    `\nkilled ${killed} of ${chosen.length} mutants (${(share * 100).toFixed(1)} %) in ${minutes.toFixed(1)} min`,
  )
  return real.length === 0 && share >= leastKilled
}

mkdirSync(outputDirectory, { recursive: true })
const template = await makeTemplateDirectory()
const bench = { template: template.path, compileCache: resolvePath(outputDirectory, 'compiled') }
process.exitCode = (await main(process.argv[2] ?? '', bench)) ? 0 : 1
await template.remove()
