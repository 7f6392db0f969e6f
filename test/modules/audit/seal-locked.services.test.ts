import { expect } from 'vitest'
import { headSigner } from '../../../src/modules/audit/chain.service.ts'
import { createSealing, sealPending } from '../../../src/modules/audit/seal.service.ts'
import { CreateProjectDocument } from '../../gql/graphql.ts'
import { testSecrets } from '../../kit/lane.ts'
import { type Person, uuidIn } from '../../kit/people.ts'
import type { TestServer } from '../../kit/server.ts'
import { test } from '../../kit/test.ts'

// On a real Postgres alone: the embedded one has a single session, in which nobody waits for anybody.

test('a chain that another node is at is skipped; neither its writers nor other chains wait for it', async ({
  server,
  alice,
  stranger,
}) => {
  const { platform } = server.app
  const signer = headSigner(Buffer.from(testSecrets.SIGNING_KEY_SECRET, 'base64'))
  const sealing = createSealing(platform, signer, () => undefined)
  for (const person of [alice, stranger]) await expect.poll(() => pendingOf(server, person)).toBe(0)
  const chain = uuidIn(alice.organizationId)
  await platform.database.unscoped.transaction().execute(async (other) => {
    await other.selectFrom('audit_head').select('seq').where('chain', '=', chain).forUpdate().execute()
    for (const person of [alice, stranger]) await person.mutate(CreateProjectDocument, { input: { name: 'A plan' } })
    await sealPending(sealing)
    await expect.poll(() => pendingOf(server, stranger)).toBe(0)
    expect(await pendingOf(server, alice)).toBe(1)
  })
  await expect.poll(() => pendingOf(server, alice)).toBe(0)
})

async function pendingOf(server: TestServer, person: Person): Promise<number> {
  const query = server.app.platform.database.unscoped.selectFrom('audit_pending').select('event_id')
  return (await query.where('chain', '=', uuidIn(person.organizationId)).execute()).length
}
