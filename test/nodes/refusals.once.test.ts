import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { temporaryDirectory, testSecrets } from '../kit/lane.ts'
import { startNode } from '../kit/nodes.ts'
import { expectFaults, expectRefusal, secretWord } from '../kit/refusal.ts'

// What a server says that cannot start without any services: one sentence, a code that is not 0, and it ends by itself.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const base = temporaryDirectory()
const dataDir = join(base.path, 'data')
// The template's keys are sealed with these.
const sound = { DATA_DIR: dataDir, ...testSecrets }

beforeAll(async () => {
  const template = inject('template')
  mkdirSync(dataDir)
  cpSync(join(template, 'postgres'), join(dataDir, 'postgres'), { recursive: true })
})
afterAll(async () => {
  await base.remove()
  vi.resetConfig()
})

describe('an environment', () => {
  test('with several faults is told all of them at once', async () => {
    const faults = await expectFaults({
      NODE_ENV: 'prod',
      PORT: '70000',
      REDIS_URL: '',
      LOG_LEVEL: 'loud',
      DATA_DIR: dataDir,
    })
    expect(faults).toEqual([
      'NODE_ENV is not production, development or test',
      'PORT is above 65535',
      expect.stringMatching(/^LOG_LEVEL is none of fatal, error/),
    ])
  })

  test('of two services without secrets is told which are missing, and how to make them', async () => {
    const faults = await expectFaults({
      DATABASE_URL: `postgres://ocean:${secretWord}@127.0.0.1:1/ocean`,
      REDIS_URL: `redis://:${secretWord}@127.0.0.1:1`,
    })
    expect(faults).toEqual([
      'PUBLIC_URL is missing: the address people reach this server at',
      'SIGNING_KEY_SECRET is missing; make one with: openssl rand -base64 32',
      'REFRESH_TOKEN_SECRET is missing; make one with: openssl rand -base64 32',
    ])
  })

  test('whose secret or URL is malformed is told so without repeating it', async () => {
    const faults = await expectFaults({
      DATABASE_URL: `mysql://ocean:${secretWord}@127.0.0.1:1/ocean`,
      SIGNING_KEY_SECRET: secretWord,
    })
    expect(faults.map((fault) => fault.split(' ', 1)[0])).toEqual([
      'DATABASE_URL',
      'SIGNING_KEY_SECRET',
      'REDIS_URL',
      'PUBLIC_URL',
      'REFRESH_TOKEN_SECRET',
    ])
  })
})

describe('an address', () => {
  test('that another program listens on is named, with what to do, and costs the directory no account', async () => {
    const other = createServer()
    await once(other.listen(0, '127.0.0.1'), 'listening')
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : undefined
    try {
      const sentence = await expectRefusal({ ...sound, PORT: `${port}` })
      expect(sentence).toBe(`127.0.0.1:${port} is taken by another program. Set PORT to a free one.`)
      expect(existsSync(join(dataDir, 'demo-account.json'))).toBe(false)
    } finally {
      other.close()
    }
  })

  test('that is not one of this machine is named as HOST', async () => {
    // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
    expect(await expectRefusal({ ...sound, HOST: '192.0.2.1' })).toMatch(
      /^HOST 192\.0\.2\.1 is no address of this machine/,
    )
    expect(await expectRefusal({ ...sound, HOST: 'no-such-host.invalid' })).toMatch(
      /^HOST no-such-host\.invalid is no address/,
    )
  })
})

describe('a data directory', () => {
  test('that is a file, or lies below one, is named with the reason', async () => {
    const file = join(base.path, 'file')
    writeFileSync(file, '')
    for (const path of [file, join(file, 'below')]) {
      expect(await expectRefusal({ DATA_DIR: path })).toContain(`The data directory ${path} cannot be used: `)
    }
  })

  test('that may not be written is named with the reason', async () => {
    // To root every directory is writable but for those of the kernel.
    const locked = process.getuid?.() === 0 ? '/sys/ocean-graph' : join(base.path, 'locked')
    if (locked.startsWith(base.path)) mkdirSync(locked, { mode: 0o500 })
    expect(await expectRefusal({ DATA_DIR: locked })).toContain(`The data directory ${locked} cannot be used: `)
  })

  test('whose secrets are damaged is refused, and the file left for its owner to restore', async () => {
    const path = join(dataDir, 'secrets.json')
    writeFileSync(path, '{"SIGNING_KEY_')
    onTestFinished(() => rmSync(path))
    const sentence = await expectRefusal({ DATA_DIR: dataDir })
    expect(sentence).toBe(`The secrets in ${path} are damaged. Restore the file: the database holds what they sealed.`)
    expect(readFileSync(path, 'utf8')).toBe('{"SIGNING_KEY_')
  })

  test('whose secrets are gone is refused, for the database holds what they sealed', async () => {
    const sentence = await expectRefusal({ DATA_DIR: dataDir })
    expect(sentence).toMatch(/^SIGNING_KEY_SECRET is not the one that sealed the signing keys in this database/)
  })
})

describe('a fault that nobody caught', () => {
  test.each([
    ['thrown', 'throw fault'],
    ['of a promise', 'Promise.reject(fault)'],
  ])('%s is logged, ends the server with 1, and is told in one sentence', async (_, act) => {
    // Backwards, since a stack names the address of this program, which is its text.
    const backwards = [...secretWord].reverse().join('')
    const saboteur = `process.on("SIGUSR2", () => {
      const fault = new Error("a bug, token=" + [..."${backwards}"].reverse().join(""))
      ${act}
    })`
    const nodeFlags = ['--import', `data:text/javascript,${encodeURIComponent(saboteur)}`]
    await using node = await startNode({ env: sound, nodeFlags })
    node.signal('SIGUSR2')
    const exit = await node.ended()
    expect(exit).toMatchObject({ code: 1, stderr: 'ocean-graph ended: a bug, token=[redacted]\n' })
    expect(exit.stdout).not.toContain(secretWord)
    const lines = node.logs.filter(({ level }) => level === 'fatal')
    expect(lines).toEqual([expect.objectContaining({ msg: 'a fault nobody caught', err: expect.anything() })])
  })
})

test('after all these refusals the same directory starts', async () => {
  await using node = await startNode({ env: sound })
  expect(node.stderr).toBe('')
})
