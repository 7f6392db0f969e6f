import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import type { Reporter, Vitest } from 'vitest/node'

// The same tests run in two lanes: `embedded` needs nothing installed, `services` runs on a real Postgres and Redis.
// `*.services.test.ts` run in the services lane only; tests whose outcome no service can change run in embedded only,
// as do `*.once.test.ts`; `*.full.test.ts` take long and run with FULL=1 (npm run test:full). Where both lanes run, those of
// the accounts, by far the most, and those that take longest are tried on the real services alone unless FULL=1: the check
// has its time.

const serviceUrls = ['TEST_DATABASE_URL', 'TEST_REDIS_URL']
const missingUrls = serviceUrls.filter((name) => !process.env[name])
const whatIsMissing = `${missingUrls.join(' and ')} ${missingUrls.length === 1 ? 'is' : 'are'} not set`
if (process.env.REQUIRE_SERVICES === '1' && missingUrls.length > 0) {
  throw new Error(`REQUIRE_SERVICES=1, but ${whatIsMissing}`)
}

const longTests = process.env.FULL === '1' ? [] : ['test/**/*.full.test.ts']
const embeddedOnly = [
  'test/laws/!(strangers*).test.ts',
  'test/{lib,kit}/**',
  'test/platform/mailer.test.ts',
  'test/**/*.once.test.ts',
]
const servicesOnly = ['test/**/*.services.test.ts', 'test/**/*.services.full.test.ts']

const onServices =
  missingUrls.length === 0 && process.env.FULL !== '1'
    ? [
        'test/modules/{accounts,projects,usage}/**/!(*.once).test.ts',
        'test/modules/chat/generations/{budget,estimate,generation}.test.ts',
        'test/modules/chat/messages/*.test.ts',
        'test/laws/strangers*.test.ts',
        'test/modules/audit/{head-record,seal,sealer,verification}.test.ts',
        'test/modules/chat/{assistant,sessions}/*.test.ts',
        'test/modules/chat/search/{bad-input,filters,paging,rights*,scripts,snippets,words}.test.ts',
        'test/modules/chat/tools/*.test.ts',
        'test/modules/ocean/links/*.test.ts',
        'test/modules/ocean/blocks/{block,block-inputs,block-text,split-merge,structure}.test.ts',
        'test/modules/providers/{embeddings/embedding,models/answer-door}.test.ts',
        'test/modules/ocean/pages/page-{archive,copy,moves}.test.ts',
        'test/nodes/{grant-admin,import-users,verify-audit}.test.ts',
        'test/transport/{reconnect,vanished-clients}.test.ts',
      ]
    : []

const lanes = [
  lane('embedded', 0, [...longTests, ...servicesOnly, ...onServices]),
  ...(missingUrls.length === 0 ? [lane('services', 1, [...longTests, ...embeddedOnly])] : []),
]

export default defineConfig({
  // A reporter of `test.reporters` would give way to the ones of the command line.
  plugins: [{ name: 'lanes', configureVitest: ({ vitest }) => addOnce(vitest, lanesReporter) }],
  test: {
    pool: 'forks',
    // Node runs the sources as in production: vite would resolve graphql twice, by other conditions.
    experimental: { viteModuleRunner: false },
    maxWorkers: 2,
    isolate: false, // one app per worker, shared by its files
    testTimeout: 20_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } }, // the default of a second is less than a busy machine may stand still
    projects: lanes,
  },
})

/** One lane after the other, so that a worker stays with its lane and keeps its app. */
function lane(name: string, groupOrder: number, exclude: string[]): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      include: ['test/**/*.test.ts'],
      exclude,
      env: { LANE: name },
      globalSetup: 'test/kit/global-setup.ts',
      sequence: { groupOrder },
    },
  }
}

/** Says at the end which lanes ran, and why one did not. */
const lanesReporter: Reporter = {
  onTestRunEnd(testModules) {
    const ran = new Set(testModules.map((module) => module.project.name))
    const reason = missingUrls.length > 0 ? whatIsMissing : 'none of its tests selected'
    const notRun = ran.has('services') ? '' : ` (services not run: ${reason})`
    console.log(`lanes: ${[...ran].join(', ')}${notRun}\n`)
  },
}

// The hook runs once per lane.
function addOnce(vitest: Vitest, reporter: Reporter): void {
  if (!vitest.config.reporters.includes(reporter)) vitest.config.reporters.push(reporter)
}
