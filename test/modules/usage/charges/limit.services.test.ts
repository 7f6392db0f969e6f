import { sql } from 'kysely'
import { expect } from 'vitest'
import { StopGenerationDocument, UsageDocument } from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import { uuidIn } from '../../../kit/people.ts'
import { openChat } from '../../../kit/test.ts'
import { booksOf, creditsOf, expectSoundBooks, send, test } from '../stage.ts'

// Two hundred who ask and stop at once, for an organization that can pay a few of them.

const SESSIONS = 200
/** Words a fifth of a second: none ends by itself before all are asked. */
const model = 'scenario/slow-400'

/** So that each may cost nearly a fortieth of what there is. */
function ask(person: Client, sessionId: string) {
  return send(person, sessionId, { model, settings: { maxTokens: 5_000, tools: [] } })
}

test('of 200 sends at once as many are answered as there are credits for, and not one more', {
  timeout: 180_000,
}, async ({ clocked, alice }) => {
  const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => openChat(alice)))
  const first = await ask(alice, sessions[0]?.id ?? '')
  if (first.__typename !== 'SentMessage') throw new Error(JSON.stringify(first))
  const { held: each } = await creditsOf(alice)
  await alice.mutate(StopGenerationDocument, { input: { messageId: first.answer.id } })
  const { available } = await creditsOf(alice)
  const affordable = Number(available / each)
  expect(affordable).toBeGreaterThan(20)

  const sent = await Promise.all(sessions.slice(1).map(({ id }) => ask(alice, id)))
  const answers = sent.flatMap((one) => (one.__typename === 'SentMessage' ? [one.answer.id] : []))
  const refused = sent.flatMap((one) => (one.__typename === 'InsufficientCredits' ? [one] : []))
  expect(answers.length + refused.length).toBe(SESSIONS - 1)
  expect(answers.length).toBe(affordable)
  for (const { requiredMillionths, availableMillionths, missingMillionths } of refused) {
    expect(BigInt(requiredMillionths)).toBe(each)
    expect(BigInt(availableMillionths ?? -1)).toBeLessThan(each)
    expect(BigInt(missingMillionths ?? -1)).toBe(each - BigInt(availableMillionths ?? -1))
  }
  await expectSoundBooks(clocked, alice)

  // So that they are charged for something.
  const { unscoped } = clocked.app.platform.database
  const begun = unscoped.selectFrom('message').select('id').where('status', '=', 'STREAMING').where('content', '<>', '')
  await expect.poll(async () => (await begun.execute()).length).toBe(affordable)
  // Each is stopped twice, while the others ask again.
  const stop = (messageId: string) => alice.mutate(StopGenerationDocument, { input: { messageId } })
  const again = sessions.filter((_session, index) => sent[index - 1]?.__typename !== 'SentMessage')
  const outcomes = await Promise.all([
    ...answers.flatMap((id) => [stop(id), stop(id)]),
    ...again.map(({ id }) =>
      ask(alice, id).then((one) => void (one.__typename === 'SentMessage' && answers.push(one.answer.id))),
    ),
  ])
  expect(outcomes.length).toBeGreaterThan(SESSIONS)
  await expectSoundBooks(clocked, alice)
  await Promise.all(answers.map(stop))
  await expectSoundBooks(clocked, alice)

  const books = await booksOf(clocked, alice)
  expect(books.balance.held).toBe(0n)
  expect(books.entries.spent).toBeGreaterThan(0n)
  expect(books.entries.spent).toBe(books.issued - books.balance.allowance - books.balance.granted)
  await expectUsageToBeWhatWasSaid(clocked, alice)
  console.log(
    `limit: ${SESSIONS} sends, ${affordable} affordable, ${answers.length} answered in all, spent ${books.entries.spent} of ${books.issued}, overshoot 0`,
  )
})

/** Usage as it is reported, the ledger and the messages themselves say the same. */
async function expectUsageToBeWhatWasSaid(
  clocked: Parameters<typeof booksOf>[0],
  alice: Parameters<typeof creditsOf>[0] & { organizationId: string },
) {
  const now = clocked.clock.now().getTime()
  const [from, to] = [new Date(now - 3_600_000).toISOString(), new Date(now + 3_600_000).toISOString()]
  const { usage } = await alice.query(UsageDocument, { input: { from, to, groupBy: ['MODEL'] } })
  const { rows } = await sql<Record<'answers' | 'input' | 'output', string>>`
    select count(*)::text as answers, coalesce(sum((usage->>'inputTokens')::int), 0)::text as input,
      coalesce(sum((usage->>'outputTokens')::int), 0)::text as output
    from message where organization_id = ${uuidIn(alice.organizationId)} and role = 'ASSISTANT'`.execute(
    clocked.app.platform.database.unscoped,
  )
  const { spent } = (await booksOf(clocked, alice)).entries
  expect(usage.totals).toMatchObject({
    answers: Number(rows[0]?.answers),
    inputTokens: rows[0]?.input,
    outputTokens: rows[0]?.output,
    costMillionths: String(spent),
  })
}
