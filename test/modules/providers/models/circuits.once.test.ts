import { expect, test } from 'vitest'
import {
  closedCircuits,
  type ProviderCircuit,
  throughCircuit,
} from '../../../../src/modules/providers/models/circuits.service.ts'

/** A circuit that notes how each call ended. */
function noting(): ProviderCircuit & { readonly ends: string[] } {
  const ends: string[] = []
  return {
    ends,
    state: 'CLOSED',
    execute: async (work) => {
      try {
        const result = await work()
        ends.push('well')
        return result
      } catch (error) {
        ends.push(error instanceof Error ? error.name : String(error))
        throw error
      }
    },
  }
}

const { signal } = new AbortController()

async function* counting(until: number, failure?: Error) {
  for (let count = 1; count <= until; count++) yield count
  if (failure !== undefined) throw failure
}

test('a stream is one call, over when it is', async () => {
  const circuit = noting()
  const stream = throughCircuit(circuit, signal, () => counting(2))
  await stream.next()
  expect(circuit.ends).toEqual([])
  expect(await Array.fromAsync(stream)).toEqual([2])
  await expect.poll(() => circuit.ends).toEqual(['well'])
})

test('what breaks in the middle is a failure of the call', async () => {
  const circuit = noting()
  await expect(
    Array.fromAsync(throughCircuit(circuit, signal, () => counting(1, new TypeError('cut')))),
  ).rejects.toThrow('cut')
  await expect.poll(() => circuit.ends).toEqual(['TypeError'])
})

test('whoever leaves in the middle proves nothing', async () => {
  const circuit = noting()
  for await (const count of throughCircuit(circuit, signal, () => counting(9))) if (count === 2) break
  await expect.poll(() => circuit.ends).toEqual(['AbortError'])
})

test('nor does whoever’s signal has aborted, whatever is thrown then', async () => {
  const circuit = noting()
  const gone = AbortSignal.abort()
  await expect(Array.fromAsync(throughCircuit(circuit, gone, () => counting(1, new Error('gone'))))).rejects.toThrow(
    'gone',
  )
  await expect.poll(() => circuit.ends).toEqual(['AbortError'])
})

test('nothing is started through a circuit that refuses', async () => {
  let started = 0
  const circuit: ProviderCircuit = { state: 'OPEN', execute: () => Promise.reject(new Error('open')) }
  const stream = throughCircuit(circuit, signal, () => {
    started++
    return counting(1)
  })
  await expect(stream.next()).rejects.toThrow('open')
  expect(started).toBe(0)
})

test('where none are, all are closed', async () => {
  const circuit = closedCircuits.of('model/openai', 'model', { isFailure: () => true })
  expect([circuit.state, await circuit.execute(async () => 7)]).toEqual(['CLOSED', 7])
})
