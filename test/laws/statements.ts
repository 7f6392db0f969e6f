import type { TestServer } from '../kit/server.ts'

// Other work of the server may send a statement in between, never take one away: the least of several runs is what a
// document costs.

const RUNS = 5

/** How many statements the database was sent meanwhile. */
export async function statementsOf(server: TestServer, work: () => Promise<unknown>): Promise<number> {
  const { database } = server.app.platform
  const before = database.statementCount()
  await work()
  return database.statementCount() - before
}

/** The least that a piece of work costs. */
export async function leastStatementsOf(server: TestServer, work: () => Promise<unknown>): Promise<number> {
  const costs: number[] = []
  for (let run = 0; run < RUNS; run += 1) costs.push(await statementsOf(server, work))
  return Math.min(...costs)
}
