import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { createLog, type LogLevel } from '../../src/platform/log.ts'

const SECRET = 'hunter2-Canary'

function recordedLog(level: LogLevel = 'trace') {
  const lines: string[] = []
  const log = createLog({ level, destination: { write: (line) => void lines.push(line) } })
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

test('a line is JSON with level, time, fields and message', () => {
  const { log, lines, parsed } = recordedLog()
  log.info({ requestId: 'r1', durationMillis: 12 }, 'request answered')
  expect(parsed()).toEqual([
    { level: 'info', time: expect.any(String), requestId: 'r1', durationMillis: 12, msg: 'request answered' },
  ])
  expect(Number.isNaN(Date.parse(String(parsed()[0]?.time)))).toBe(false)
  expect(lines[0]?.endsWith('}\n')).toBe(true)
})

test('a message alone and fields alone are lines too', () => {
  const { log, parsed } = recordedLog()
  log.warn('low on disk')
  log.debug({ free: 1 })
  expect(parsed()).toMatchObject([
    { level: 'warn', msg: 'low on disk' },
    { level: 'debug', free: 1 },
  ])
})

test('lines below the level are not written, and silent writes none', () => {
  const { log, parsed } = recordedLog('warn')
  for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) log[level](level)
  expect(parsed().map((line) => line.msg)).toEqual(['warn', 'error', 'fatal'])
  const silent = recordedLog('silent')
  silent.log.fatal('x')
  expect(silent.lines).toEqual([])
})

test('a line below the level does not even read its fields', () => {
  const { log } = recordedLog('info')
  let reads = 0
  const fields = {
    get costly() {
      reads += 1
      return 1
    },
  }
  log.debug(fields)
  expect(reads).toBe(0)
  log.info(fields)
  expect(reads).toBe(1)
})

test('secrets are removed from fields, messages and children', () => {
  const { log, lines } = recordedLog()
  const child = log.child({ headers: { Cookie: SECRET }, mail: { html: SECRET, subject: 'Welcome' } })
  child.info({ input: { newPassword: SECRET } }, `connected to postgres://ocean:${SECRET}@db`)
  child.child({ apiKey: SECRET }).info(`Bearer ${SECRET}`)
  expect(lines).toHaveLength(2)
  expect(lines.join()).not.toContain(SECRET)
  expect(lines[0]).toContain('"subject":"Welcome"')
})

test('an error is the field err with name, message, stack, code and cause, without secrets', () => {
  const { log, parsed, lines } = recordedLog()
  const cause = Object.assign(new RangeError(`token=${SECRET}`), { code: 'E_CAUSE' })
  log.error(new Error(`Bearer ${SECRET}`, { cause }), 'mail failed')
  log.error({ err: cause, attempt: 2 })
  expect(parsed()).toMatchObject([
    {
      msg: 'mail failed',
      err: {
        name: 'Error',
        message: 'Bearer [redacted]',
        stack: expect.stringContaining('log.test.ts'),
        cause: { name: 'RangeError', message: 'token=[redacted]', code: 'E_CAUSE' },
      },
    },
    { attempt: 2, err: { name: 'RangeError' }, msg: 'token=[redacted]' },
  ])
  expect(lines.join()).not.toContain(SECRET)
})

test("a child's fields are on each of its lines, the line's own fields win, and the parent has none", () => {
  const { log, parsed } = recordedLog()
  log.child({ module: 'mail', attempt: 1 }).child({ job: 'j1' }).info({ attempt: 2 }, 'sent')
  log.info('bare')
  expect(parsed()[0]).toMatchObject({ module: 'mail', attempt: 2, job: 'j1', msg: 'sent' })
  expect(parsed()[1]).not.toHaveProperty('module')
})

test('a field cannot forge level, time or message, nor a line break a second line', () => {
  const { log, parsed, lines } = recordedLog()
  log.info({ level: 'fatal', time: 0, msg: 'forged' }, 'true\n{"level":"fatal"}')
  expect(lines[0]?.match(/\n/g)).toHaveLength(1)
  expect(parsed()[0]).toMatchObject({ level: 'info', msg: 'true\n{"level":"fatal"}', level_: 'fatal', msg_: 'forged' })
})

test('nothing that is logged makes the log throw', () => {
  const { log, parsed } = recordedLog()
  const cycle: { self?: object } = {}
  cycle.self = cycle
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const request = { method: 'GET', headers: { cookie: SECRET }, socket: {}, hasOwnProperty: 1 }
  const odd: unknown[] = [
    cycle,
    proxy,
    request,
    [1],
    null,
    undefined,
    7,
    new Map([['a', 1]]),
    { at: new Date(Number.NaN) },
  ]
  for (const fields of odd) {
    log.info(fields as object, 'odd')
    log.child(fields as object).info({ child: true }, 'odd')
    log.info({ id: 1 }, fields as string)
  }
  expect(parsed().filter((line) => line.msg === 'odd')).toHaveLength(2 * odd.length)
  expect(JSON.stringify(parsed())).not.toContain(SECRET)
})

test('a destination that throws does not reach the caller', () => {
  const log = createLog({
    level: 'info',
    destination: {
      write() {
        throw new Error('disk full')
      },
    },
  })
  expect(() => log.info('x')).not.toThrow()
})

test('by default lines go to stdout, and the last one survives an immediate exit', () => {
  const module = new URL('../../src/platform/log.ts', import.meta.url).href
  const script = `import { createLog } from '${module}'
    const log = createLog({ level: 'info' })
    for (let line = 0; line < 500; line += 1) log.info({ line }, 'written')
    process.exit(0)`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  expect(child.stderr).toBe('')
  const lines = child.stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(500)
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ line: 499, level: 'info' })
})
