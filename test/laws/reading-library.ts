import { expect } from 'vitest'
import { indexed, makePlatformAdmin } from '../kit/inside.ts'
import { signUp } from '../kit/people.ts'
import type { TestServer } from '../kit/server.ts'
import { test as base } from '../kit/test.ts'
import { furnish, type Library, MANY } from './reading-furniture.ts'
import type { ReadList } from './reading-lists.ts'
import { leastStatementsOf } from './statements.ts'

// A list costs the same number of statements whatever its length.

const FEW = 5

/** `test` with 50 projects, 50 pages in them and 50 blocks on one of those, each by an author of its own. */
export const test = base.extend<{ library: Library }>({
  library: [
    async ({ server }, use) => {
      const reader = await signUp(server, 'Reader')
      const administrator = await signUp(server, 'Administrator')
      await makePlatformAdmin(server, administrator)
      const library = { ...(await furnish(server, reader)), administrator }
      await indexed(server, reader)
      await use(library)
      await reader.close()
      await administrator.close()
    },
    { scope: 'file' },
  ],
})

/** Demands that a list of 50 costs as many statements as one of 5. */
export async function expectEvenCost(
  { server, library }: { readonly server: TestServer; readonly library: Library },
  [, coordinate, document]: ReadList,
): Promise<void> {
  const field = coordinate.split('.')[1] ?? ''
  const cost = (count: number) => leastStatements(server, library, document, field, count)
  const few = await cost(FEW)
  expect(few).toBeGreaterThan(1)
  expect(await cost(MANY)).toBe(few)
}

async function leastStatements(
  server: TestServer,
  { reader, administrator, pageIds, userIds, fullProjectId, fullPageId, fullSessionId }: Library,
  document: string,
  field: string,
  count: number,
): Promise<number> {
  const variables = {
    first: count,
    pageId: fullPageId,
    projectId: fullProjectId,
    sessionId: fullSessionId,
    ids: pageIds.slice(0, count),
    userIds: userIds.slice(0, count),
  }
  const asking = /users\(|userIds/.test(document) ? administrator : reader
  const asked = Object.fromEntries(Object.entries(variables).filter(([name]) => document.includes(`$${name}:`)))
  return leastStatementsOf(server, async () => {
    const { data, errors } = await asking.send<Record<string, unknown>, object>(document, asked)
    expect(errors).toBeUndefined()
    expect(itemsIn(data ?? {}, field)).toHaveLength(count)
  })
}

/** The items of the list of this name, at the root or in one of the objects below it. */
export function itemsIn(data: Record<string, unknown>, field: string): unknown {
  const inner = Object.values(data)[0]
  const holders = [data, inner, Object(inner).organization]
  const holder = holders.find((one): one is Record<string, unknown> => field in Object(one))
  const list = holder?.[field]
  return Array.isArray(list) ? list : (list as { nodes?: unknown } | undefined)?.nodes
}
