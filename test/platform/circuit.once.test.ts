import { expect, test } from 'vitest'
import {
  type Circuit,
  type CircuitChange,
  type CircuitKind,
  CircuitOpen,
  createCircuits,
} from '../../src/platform/circuit.ts'
import { createLog } from '../../src/platform/log.ts'
import { standingClock } from '../kit/fakes.ts'

class Broken extends Error {}
const works = async () => 'answer'
const fails = async () => {
  throw new Broken('the provider said: secret-in-a-body')
}
const isAborted = async () => {
  throw new DOMException('somebody left', 'AbortError')
}

function rig() {
  const clock = standingClock()
  const lines: { level: string; msg: string; [field: string]: unknown }[] = []
  const changes: CircuitChange[] = []
  const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line)) } })
  const circuits = createCircuits({ clock, log })
  const unwatch = circuits.watch((change) => void changes.push(change))
  return { clock, lines, changes, circuits, unwatch, states: () => changes.map(({ state }) => state) }
}

async function failTimes(circuit: Circuit, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await expect(circuit.execute(fails)).rejects.toThrow(Broken)
}

test.for<[CircuitKind, number, number, number]>([
  ['default', 5, 60, 30],
  ['model', 5, 60, 10],
  ['database', 3, 30, 5],
])('a %s circuit opens at %i failures within %i s and lets a call through %i s later', async (figures) => {
  const [kind, failures, windowSeconds, recoverySeconds] = figures
  const { clock, circuits, states } = rig()
  const circuit = circuits.of('somebody', kind)
  await failTimes(circuit, 1)
  clock.advance({ seconds: windowSeconds })
  await failTimes(circuit, failures - 1)
  expect(circuit.state).toBe('CLOSED')
  clock.advance({ seconds: windowSeconds - 0.001 })
  await failTimes(circuit, 1)
  expect([circuit.state, circuit.opens]).toEqual(['OPEN', 1])

  let calls = 0
  const counted = async () => void calls++
  await expect(circuit.execute(counted)).rejects.toMatchObject({
    circuit: 'somebody',
    retryAfterSeconds: recoverySeconds,
  })
  clock.advance({ seconds: recoverySeconds - 0.001 })
  await expect(circuit.execute(counted)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 })
  expect([circuit.state, calls]).toEqual(['OPEN', 0])
  clock.advance({ seconds: 0.001 })
  expect(circuit.state).toBe('HALF_OPEN')
  await circuit.execute(counted)
  expect([circuit.state, calls]).toEqual(['CLOSED', 1])
  expect(states()).toEqual(['OPEN', 'HALF_OPEN', 'CLOSED'])
  // What had failed before it opened is forgotten.
  await failTimes(circuit, failures - 1)
  expect(circuit.state).toBe('CLOSED')
})

async function open({ circuits }: ReturnType<typeof rig>): Promise<Circuit> {
  const circuit = circuits.of('somebody', 'model')
  await failTimes(circuit, 5)
  return circuit
}

test('a half-open circuit lets exactly one call through, and refuses the others at once', async () => {
  const one = rig()
  const circuit = await open(one)
  one.clock.advance({ seconds: 10 })
  const answer = Promise.withResolvers<string>()
  const first = circuit.execute(() => answer.promise)
  const others = Promise.allSettled(Array.from({ length: 3 }, () => circuit.execute(works)))
  expect(circuit.state).toBe('HALF_OPEN')
  answer.resolve('back again')
  expect((await others).map((other) => other.status === 'rejected' && other.reason)).toEqual(
    Array(3).fill(expect.any(CircuitOpen)),
  )
  expect(await first).toBe('back again')
  expect(await circuit.execute(works)).toBe('answer')
})

test('a half-open circuit whose call fails is open again for as long', async () => {
  const one = rig()
  const circuit = await open(one)
  one.clock.advance({ seconds: 10 })
  await failTimes(circuit, 1)
  one.clock.advance({ seconds: 9 })
  expect([circuit.state, circuit.opens]).toEqual(['OPEN', 2])
  await expect(circuit.execute(works)).rejects.toThrow(CircuitOpen)
  one.clock.advance({ seconds: 1 })
  expect(await circuit.execute(works)).toBe('answer')
  expect(one.states()).toEqual(['OPEN', 'HALF_OPEN', 'OPEN', 'HALF_OPEN', 'CLOSED'])
})

test('an abort neither opens a circuit nor decides about a half-open one', async () => {
  const one = rig()
  const closed = one.circuits.of('patient', 'model')
  for (let n = 0; n < 9; n++) await expect(closed.execute(isAborted)).rejects.toThrow('somebody left')
  expect(closed.state).toBe('CLOSED')

  const circuit = await open(one)
  one.clock.advance({ seconds: 10 })
  await expect(circuit.execute(isAborted)).rejects.toThrow('somebody left')
  expect([circuit.state, circuit.opens]).toEqual(['HALF_OPEN', 1])
  await failTimes(circuit, 1)
  expect([circuit.state, circuit.opens]).toEqual(['OPEN', 2])
  expect(one.states()).toEqual(['OPEN', 'HALF_OPEN', 'OPEN'])
})

test('an error that is no failure counts for nothing, and shows a half-open circuit that somebody is there', async () => {
  const { clock, circuits } = rig()
  const circuit = circuits.of('strict', 'model', { isFailure: (error) => error instanceof Broken })
  const refuses = async () => {
    throw new RangeError('no such model')
  }
  for (let n = 0; n < 9; n++) await expect(circuit.execute(refuses)).rejects.toThrow(RangeError)
  expect(circuit.state).toBe('CLOSED')
  await failTimes(circuit, 5)
  clock.advance({ seconds: 10 })
  await expect(circuit.execute(refuses)).rejects.toThrow(RangeError)
  expect(circuit.state).toBe('CLOSED')
})

test('what was asked before a circuit opened and fails afterwards is no news', async () => {
  const one = rig()
  const circuit = one.circuits.of('somebody', 'model')
  const late = Promise.withResolvers<never>()
  const slow = Array.from({ length: 5 }, () => circuit.execute(() => late.promise).catch(() => 'failed'))
  await failTimes(circuit, 5)
  one.clock.advance({ seconds: 10 })
  const answer = Promise.withResolvers<string>()
  const probe = circuit.execute(() => answer.promise)
  late.reject(new Broken())
  expect(new Set(await Promise.all(slow))).toEqual(new Set(['failed']))
  expect(circuit.state).toBe('HALF_OPEN')
  answer.resolve('back again')
  await probe
  expect(one.states()).toEqual(['OPEN', 'HALF_OPEN', 'CLOSED'])
})

test('a clock that is put back holds no circuit open', async () => {
  const one = rig()
  const circuit = await open(one)
  one.clock.advance({ hours: -1 })
  expect(await circuit.execute(works)).toBe('answer')
})

test('each change is one line of the log, which says nothing of what the service said', async () => {
  const one = rig()
  const circuit = await open(one)
  one.clock.advance({ seconds: 10 })
  await circuit.execute(works)
  expect(one.lines.map(({ level, msg, circuit, reason }) => ({ level, msg, circuit, reason }))).toEqual([
    { level: 'warn', msg: 'circuit opened', circuit: 'somebody', reason: 'Error' },
    { level: 'info', msg: 'circuit lets one call through', circuit: 'somebody', reason: undefined },
    { level: 'info', msg: 'circuit closed', circuit: 'somebody', reason: undefined },
  ])
  expect(JSON.stringify(one.lines)).not.toContain('secret-in-a-body')
})

test('circuits are listed by name, one each', async () => {
  const one = rig()
  const circuit = await open(one)
  expect(one.circuits.of('somebody', 'model')).toBe(circuit)
  one.circuits.of('other', 'default')
  expect(one.circuits.list().map(({ name, kind, state, opens }) => [name, kind, state, opens])).toEqual([
    ['somebody', 'model', 'OPEN', 1],
    ['other', 'default', 'CLOSED', 0],
  ])
})

test('changes are told until nobody wants them, and a listener that breaks harms nobody', async () => {
  const one = rig()
  const late: string[] = []
  one.circuits.watch(() => {
    throw new Error('broken listener')
  })
  one.circuits.watch(({ state }) => void late.push(state))
  const circuit = await open(one)
  expect(one.lines.map(({ msg }) => msg)).toEqual(['circuit opened', 'the change of a circuit could not be told'])
  one.unwatch()
  one.clock.advance({ seconds: 10 })
  await failTimes(circuit, 1)
  expect([one.states(), late]).toEqual([['OPEN'], ['OPEN', 'HALF_OPEN', 'OPEN']])
  one.circuits.close()
  one.clock.advance({ seconds: 10 })
  await circuit.execute(works)
  expect(late).toHaveLength(3)
})
