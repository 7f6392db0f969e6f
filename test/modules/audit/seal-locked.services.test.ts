import { expect } from 'vitest'
import { headSigner } from '../../../src/modules/audit/chain.service.ts'
import { createSealing, sealPending } from '../../../src/modules/audit/seal.service.ts'
import { CreateProjectDocument } from '../../gql/graphql.ts'
import { unsealedOf } from '../../kit/inside.ts'
import { testSecrets } from '../../kit/lane.ts'
import { uuidIn } from '../../kit/people.ts'
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
  for (const person of [alice, stranger]) await expect.poll(() => unsealedOf(server, person)).toBe(0)
  const chain = uuidIn(alice.organizationId)
  await platform.database.unscoped.transaction().execute(async (other) => {
    await other.selectFrom('audit_head').select('seq').where('chain', '=', chain).forUpdate().execute()
    for (const person of [alice, stranger]) await person.mutate(CreateProjectDocument, { input: { name: 'A plan' } })
    await sealPending(sealing)
    await expect.poll(() => unsealedOf(server, stranger)).toBe(0)
    expect(await unsealedOf(server, alice)).toBe(1)
  })
  await expect.poll(() => unsealedOf(server, alice)).toBe(0)
})
