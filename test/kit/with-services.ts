import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type PrivateService, startPrivatePostgres, startPrivateRedis } from './private-services.ts'
import { postgresAnswers, redisAnswers } from './service-probes.ts'

// `node test/kit/with-services.ts COMMAND …` runs the command with TEST_DATABASE_URL and TEST_REDIS_URL of the
// usual local services, or of private ones where these do not answer, and with REQUIRE_SERVICES=1.

const started: PrivateService[] = []
// Until the command runs, there is nothing to wait for; exit() lets no private service live on.
let endNow: (signal: NodeJS.Signals) => void = () => process.exit(1)
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => endNow(name))

async function findOrStart(
  url: string,
  answers: (url: string) => Promise<boolean>,
  start: () => Promise<PrivateService>,
): Promise<string> {
  if (await answers(url)) return url
  const service = await start()
  started.push(service)
  console.log(`${url} does not answer: started ${service.url}`)
  return service.url
}

async function runWithServices(command: string, args: string[]): Promise<number> {
  const env = {
    ...process.env,
    REQUIRE_SERVICES: '1',
    TEST_DATABASE_URL: await findOrStart(
      'postgres://postgres@127.0.0.1:5432/postgres',
      postgresAnswers,
      startPrivatePostgres,
    ),
    TEST_REDIS_URL: await findOrStart('redis://127.0.0.1:6379', redisAnswers, startPrivateRedis),
  }
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env })
  endNow = (signal) => child.kill(signal)
  const [exitCode] = await once(child, 'exit')
  return typeof exitCode === 'number' ? exitCode : 1
}

const [command, ...args] = process.argv.slice(2)
if (command === undefined) throw new Error('CommandMissing')
try {
  process.exitCode = await runWithServices(command, args)
} finally {
  await Promise.all(started.map((service) => service.close()))
}
