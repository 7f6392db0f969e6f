import { expect, test } from 'vitest'
import { throughCircuit } from '../../../../src/modules/providers/models/circuits.service.ts'
import { createCircuits } from '../../../../src/platform/circuit.ts'
import { createLog } from '../../../../src/platform/log.ts'
import { standingClock } from '../../../kit/fakes.ts'

const never = new AbortController().signal
const FAILURES = 5
const RECOVERY_SECONDS = 10

/** A provider's circuit, with a clock that stands. */
function opening() {
  const clock = standingClock()
  const circuit = createCircuits({ clock, log: createLog({ level: 'silent' }) }).of('model/one', 'model')
  /** A stream through it, which begins with its first number. */
  const pass = (until: number, failure?: Error) =>
    throughCircuit(circuit, never, async function* (begun) {
      for (let count = 1; count <= until; count++) {
        begun()
        yield count
      }
      if (failure !== undefined) throw failure
    })
  const fail = () => expect(Array.fromAsync(pass(0, new TypeError('away')))).rejects.toThrow()
  const open = async () => {
    for (let failures = 0; failures < FAILURES; failures++) await fail()
  }
  return { circuit, clock, pass, fail, open }
}

test('five failures within a minute open it, and nothing is started', async () => {
  const { circuit, pass, open } = opening()
  await open()
  expect(circuit.state).toBe('OPEN')
  let started = 0
  const refused = throughCircuit(circuit, never, () => {
    started++
    return pass(1)
  })
  await expect(refused.next()).rejects.toThrow(expect.objectContaining({ name: 'CircuitOpen' }))
  expect(started).toBe(0)
})

test('after ten seconds one stream is let through, and as soon as that has begun so are others', async () => {
  const { circuit, clock, pass, open } = opening()
  await open()
  clock.advance({ seconds: RECOVERY_SECONDS })
  expect(circuit.state).toBe('HALF_OPEN')
  const long = pass(3)
  expect(await long.next()).toEqual({ done: false, value: 1 })
  await expect.poll(() => circuit.state).toBe('CLOSED')
  expect(await Array.fromAsync(pass(2))).toEqual([1, 2])
  expect(await Array.fromAsync(long)).toEqual([2, 3])
})

test('a trial that fails opens it again', async () => {
  const { circuit, clock, fail, open } = opening()
  await open()
  clock.advance({ seconds: RECOVERY_SECONDS })
  await fail()
  expect(circuit.state).toBe('OPEN')
})

test('what breaks in the middle is a failure as well', async () => {
  const { circuit, pass } = opening()
  for (let failures = 0; failures < FAILURES; failures++) {
    expect(circuit.state).toBe('CLOSED')
    await expect(Array.fromAsync(pass(1, new TypeError('cut')))).rejects.toThrow('cut')
  }
  expect(circuit.state).toBe('OPEN')
})

test('whoever leaves proves nothing', async () => {
  const { circuit, clock, pass, open } = opening()
  for (let times = 0; times < 2 * FAILURES; times++) for await (const count of pass(9)) if (count === 2) break
  expect(circuit.state).toBe('CLOSED')
  await open()
  clock.advance({ seconds: RECOVERY_SECONDS })
  const silent = throughCircuit(circuit, never, async function* () {
    yield 'said nothing of the answer yet'
    yield 'nor now'
  })
  await silent.next()
  await silent.return(undefined)
  await expect.poll(() => circuit.state).toBe('HALF_OPEN')
})

test('whoever aborts proves nothing, whatever the stream then throws', async () => {
  const { circuit, clock, open } = opening()
  await open()
  clock.advance({ seconds: RECOVERY_SECONDS })
  const aborted = throughCircuit(circuit, AbortSignal.abort(), async function* () {
    yield 1
    throw new TypeError('terminated')
  })
  await expect(Array.fromAsync(aborted)).rejects.toThrow('terminated')
  await expect.poll(() => circuit.state).toBe('HALF_OPEN')
})

test('whoever waited too long is a failure, before it began and after', async () => {
  const { circuit } = opening()
  const tooSlow = new DOMException('The time is over', 'TimeoutError')
  for (let failures = 0; failures < FAILURES; failures++) {
    expect(circuit.state).toBe('CLOSED')
    const stop = new AbortController()
    const silent = throughCircuit(circuit, stop.signal, async function* (begun) {
      if (failures % 2 === 0) begun()
      yield 1
      await new Promise((_resolve, reject) => stop.signal.addEventListener('abort', () => reject(stop.signal.reason)))
    })
    await silent.next()
    const next = silent.next()
    stop.abort(tooSlow)
    await expect(next).rejects.toBe(tooSlow)
  }
  expect(circuit.state).toBe('OPEN')
})
