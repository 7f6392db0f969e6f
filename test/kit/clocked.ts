import { createTestClient } from './client.ts'
import { type Person, signUp, signUpInto } from './people.ts'
import { startServer, type TestServer } from './server.ts'
import { test as base, type World } from './test.ts'

/** `test` for files that move the clock: everybody is on a server of the file's own, `clocked`. */
export const test = base.extend<Pick<World, 'anonymous' | 'alice' | 'bob' | 'stranger'> & { clocked: TestServer }>({
  clocked: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names a fixture needs from its first parameter
    async ({}, use) => {
      const server = await startServer()
      await use(server)
      await server.close()
    },
    { scope: 'file' },
  ],
  anonymous: async ({ clocked }, use) => {
    const client = createTestClient(clocked.url)
    await use(client)
    await client.close()
  },
  alice: async ({ clocked }, use) => usePerson(await signUp(clocked, 'Alice'), use),
  bob: async ({ clocked, alice }, use) => usePerson(await signUpInto(clocked, alice, 'Bob', 'EDITOR'), use),
  stranger: async ({ clocked }, use) => usePerson(await signUp(clocked, 'Stranger'), use),
})

async function usePerson(person: Person, use: (person: Person) => Promise<void>): Promise<void> {
  await use(person)
  await person.close()
}
