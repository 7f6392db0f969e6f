import { describe, expect } from 'vitest'
import { MOST_MILLIONTHS } from '../../../../src/lib/credits.ts'
import { allActions, isGrantable } from '../../../../src/platform/access.ts'
import {
  StopGenerationDocument,
  UpdateSpendingRulesDocument,
  type UpdateSpendingRulesInput,
} from '../../../gql/graphql.ts'
import type { Client } from '../../../kit/client.ts'
import { trailOf } from '../../../kit/inside.ts'
import { signIn, signUp, signUpInto } from '../../../kit/people.ts'
import { makeAgent, makeKey, programOf, tokenOf } from '../../../kit/programs.ts'
import { openChat } from '../../../kit/test.ts'
import {
  creditsOf,
  endMonth,
  expectSoundBooks,
  lastAnswer,
  rates,
  send,
  sendAndWait,
  startPaidServer,
  test,
} from '../stage.ts'

/** What a change of the rules comes to: what its answer says, or the code of the error. */
async function rule(by: Client, input: UpdateSpendingRulesInput) {
  const { data, errors } = await by.send(UpdateSpendingRulesDocument, { input })
  return data?.updateSpendingRules ?? String(errors?.[0]?.extensions.code)
}

const free = { model: 'scenario/words-7' }
const isOpen = { __typename: 'CreditBalance', isPaused: false, pausedBy: [] }
const isPausedBy = (...pausedBy: string[]) => ({ __typename: 'CreditBalance', isPaused: true, pausedBy })

describe('the rules of spending', () => {
  test('are made by administrators, and by nobody below them', async ({ clocked, alice, bob, anonymous }) => {
    const manager = await signUpInto(clocked, alice, 'Manager', 'ADMIN')
    expect(await rule(manager, { isPaused: true })).toMatchObject(isPausedBy('ORGANIZATION'))
    expect((await trailOf(clocked, alice)).at(-1)).toMatchObject({
      action: 'credits.manage',
      actor: manager.userId,
      outcome: 'allowed',
    })
    expect(await rule(bob, { isPaused: false })).toBe('FORBIDDEN')
    expect(await rule(anonymous, { isPaused: false })).toBe('UNAUTHENTICATED')
    expect(await creditsOf(alice)).toMatchObject({ isPaused: true })
    await manager.close()
  })

  test('are made by no key and no agent, whatever it was granted', async ({ alice }) => {
    const permissions = allActions().filter(isGrantable)
    const key = await makeKey(alice, { permissions })
    const agent = await makeAgent(alice, { permissions })
    for (const secret of [key.secret, await tokenOf(alice, agent)]) {
      const program = programOf(alice, secret)
      expect(await rule(program, { isPaused: true, sessionCapMillionths: '1' })).toBe('FORBIDDEN')
      await program.close()
    }
    expect(await creditsOf(alice)).toMatchObject({ isPaused: false, sessionCapMillionths: null })
  })

  test('of another organization are made by administrators of the platform alone', async ({
    admin,
    alice,
    stranger,
  }) => {
    const { organizationId } = alice
    expect(await rule(stranger, { organizationId, isPaused: true })).toBe('FORBIDDEN')
    expect(await creditsOf(alice)).toMatchObject({ isPaused: false })
    expect(await rule(admin, { organizationId, sessionCapMillionths: '7' })).toMatchObject({
      organizationId,
      sessionCapMillionths: '7',
    })
    const nothing = 'organization_01h00000000000000000000000'
    expect(await rule(admin, { organizationId: nothing, isPaused: true })).toBe('NOT_FOUND')
    expect(await creditsOf(admin)).toMatchObject({ isPaused: false, sessionCapMillionths: null })
  })

  test('stay as they are when they are left out', async ({ alice }) => {
    await rule(alice, { isPaused: true, sessionCapMillionths: '7', agentCapMillionths: '8' })
    const all = { isPaused: true, sessionCapMillionths: '7', agentCapMillionths: '8' }
    expect(await rule(alice, {})).toMatchObject(all)
    expect(await rule(alice, { isPaused: null })).toMatchObject(all)
    expect(await rule(alice, { isPaused: false })).toMatchObject({ ...all, isPaused: false })
    expect(await rule(alice, { sessionCapMillionths: null })).toMatchObject({
      ...{ isPaused: false, sessionCapMillionths: null, agentCapMillionths: '8' },
    })
    expect(await rule(alice, { agentCapMillionths: null })).toMatchObject({ agentCapMillionths: null })
  })

  test.for(['sessionCapMillionths', 'agentCapMillionths'])(
    'have no %s below nothing, and none above what an organization can have',
    async (field, { alice }) => {
      for (const cap of ['-1', String(MOST_MILLIONTHS + 1n)])
        expect(await rule(alice, { [field]: cap })).toMatchObject({
          __typename: 'InvalidInput',
          fields: [{ path: [field] }],
        })
      for (const cap of ['0', String(MOST_MILLIONTHS)])
        expect(await rule(alice, { [field]: cap })).toHaveProperty(field, cap)
    },
  )
})

describe('spending that is paused', () => {
  test('stops what costs something, and not what is free, until it is allowed again', async ({ alice, bob }) => {
    await rule(alice, { isPaused: true })
    const session = await openChat(bob)
    expect(await send(bob, session.id)).toMatchObject({ __typename: 'SpendingPaused', code: 'SPENDING_PAUSED' })
    expect(await creditsOf(bob)).toMatchObject({ isPaused: true, pausedBy: ['ORGANIZATION'], held: 0n })
    expect(await sendAndWait(bob, session.id, free)).toMatchObject({ status: 'COMPLETED' })
    expect(await rule(alice, { isPaused: false })).toMatchObject(isOpen)
    expect(await sendAndWait(bob, session.id)).toMatchObject({ status: 'COMPLETED' })
  })

  test('ends what is being written and costs something, with the text so far', async () => {
    const prices = { MODEL_PRICES: 'scenario/*=2/1/5;scenario/slow-90=free' }
    const server = await startPaidServer(prices)
    const alice = await signUp(server, 'Alice')
    const [paid, unpaid] = [await openChat(alice), await openChat(alice)]
    await send(alice, paid.id, { model: 'scenario/slow-50' })
    const going = await send(alice, unpaid.id, { model: 'scenario/slow-90' })
    if (going.__typename !== 'SentMessage') throw new Error(JSON.stringify(going))
    await expect.poll(async () => (await lastAnswer(alice, paid.id)).content).not.toBe('')
    await rule(alice, { isPaused: true })
    await expect.poll(async () => (await lastAnswer(alice, paid.id)).status).toBe('CANCELLED')
    const answer = await lastAnswer(alice, paid.id)
    expect(answer.content).not.toBe('')
    expect(BigInt(answer.costMillionths ?? 0)).toBeGreaterThan(0n)
    expect(await creditsOf(alice)).toMatchObject({ held: 0n })
    await expectSoundBooks(server, alice)
    await server.app.platform.jobs.idle(15_000)
    expect((await lastAnswer(alice, unpaid.id)).status).toBe('STREAMING')
    await alice.mutate(StopGenerationDocument, { input: { messageId: going.answer.id } })
    await alice.close()
    await server.close()
  })

  test('is allowed again by whoever stopped it, and by nobody else', async ({ admin, alice }) => {
    const { organizationId } = alice
    expect(await rule(admin, { organizationId, isPaused: true })).toMatchObject(isPausedBy('PLATFORM'))
    expect(await rule(alice, { isPaused: false, agentCapMillionths: '5' })).toMatchObject(isPausedBy('PLATFORM'))
    // Their own id is as none.
    expect(await rule(alice, { organizationId, isPaused: true })).toMatchObject(isPausedBy('ORGANIZATION', 'PLATFORM'))
    const session = await openChat(alice)
    expect(await rule(admin, { organizationId, isPaused: false })).toMatchObject(isPausedBy('ORGANIZATION'))
    expect(await send(alice, session.id)).toMatchObject({ __typename: 'SpendingPaused' })
    expect(await rule(alice, { isPaused: false })).toMatchObject(isOpen)
    expect(await creditsOf(alice)).toMatchObject({ sessionCapMillionths: null, agentCapMillionths: '5' })
    expect(await sendAndWait(alice, session.id)).toMatchObject({ status: 'COMPLETED' })
  })
})

/** What is refused by a cap: what it says of it. @throws when it is not */
async function refused(by: Client, sessionId: string) {
  const sent = await send(by, sessionId)
  if (sent.__typename !== 'SpendingCapReached') throw new Error(`The question came to ${JSON.stringify(sent)}`)
  const { scope, capMillionths, remainingMillionths, requiredMillionths } = sent
  return {
    scope,
    cap: BigInt(capMillionths ?? -1),
    remaining: BigInt(remainingMillionths ?? -1),
    required: BigInt(requiredMillionths),
  }
}

describe('a cap', () => {
  test('of a session is of all it may cost: what more may cost than is left of it is refused', async ({ alice }) => {
    await rule(alice, { sessionCapMillionths: '0' })
    const session = await openChat(alice)
    const { required, ...none } = await refused(alice, session.id)
    expect(none).toEqual({ scope: 'SESSION', cap: 0n, remaining: 0n })
    expect(required).toBeGreaterThan(100n * rates.reasoning)
    expect(await sendAndWait(alice, session.id, free)).toMatchObject({ status: 'COMPLETED' })

    const another = await openChat(alice)
    await rule(alice, { sessionCapMillionths: String(required - 1n) })
    const short = { scope: 'SESSION', cap: required - 1n, remaining: required - 1n, required }
    expect(await refused(alice, another.id)).toEqual(short)
    await rule(alice, { sessionCapMillionths: String(required) })
    const cost = BigInt((await sendAndWait(alice, another.id)).costMillionths ?? 0)
    expect(cost).toBeGreaterThan(0n)
    const second = await refused(alice, another.id)
    expect(second).toMatchObject({ scope: 'SESSION', cap: required, remaining: required - cost })
    expect(second.required).toBeGreaterThan(required)

    expect(await sendAndWait(alice, (await openChat(alice)).id)).toMatchObject({ status: 'COMPLETED' })
    await rule(alice, { sessionCapMillionths: '1' })
    expect(await refused(alice, another.id)).toMatchObject({ cap: 1n, remaining: 0n })
    await rule(alice, { sessionCapMillionths: null })
    expect(await sendAndWait(alice, another.id)).toMatchObject({ status: 'COMPLETED' })
    expect(await creditsOf(alice)).toMatchObject({ held: 0n })
  })

  test('of agents is of what each may cost in a month, in all sessions, with what is being written', async ({
    alice,
  }) => {
    const permissions = allActions().filter(isGrantable)
    const agentOf = async () => programOf(alice, await tokenOf(alice, await makeAgent(alice, { permissions })))
    const [agent, other] = [await agentOf(), await agentOf()]
    await rule(alice, { agentCapMillionths: '0' })
    const session = await openChat(agent)
    const { required, ...none } = await refused(agent, session.id)
    expect(none).toEqual({ scope: 'AGENT', cap: 0n, remaining: 0n })
    const key = programOf(alice, (await makeKey(alice, { permissions })).secret)
    for (const one of [alice, key])
      expect(await sendAndWait(one, (await openChat(one)).id)).toMatchObject({ status: 'COMPLETED' })

    await rule(alice, { agentCapMillionths: String(required) })
    const sent = await send(agent, session.id, { model: 'scenario/slow-50' })
    if (sent.__typename !== 'SentMessage') throw new Error(JSON.stringify(sent))
    const elsewhere = await openChat(agent)
    expect(await refused(agent, elsewhere.id)).toEqual({ scope: 'AGENT', cap: required, remaining: 0n, required })
    await expect.poll(async () => (await lastAnswer(agent, session.id)).content).not.toBe('')
    await agent.mutate(StopGenerationDocument, { input: { messageId: sent.answer.id } })
    const cost = BigInt((await lastAnswer(agent, session.id)).costMillionths ?? 0)
    expect(await refused(agent, elsewhere.id)).toMatchObject({ remaining: required - cost })
    expect(await sendAndWait(other, (await openChat(other)).id)).toMatchObject({ status: 'COMPLETED' })
    await rule(alice, { agentCapMillionths: null })
    expect(await sendAndWait(agent, elsewhere.id)).toMatchObject({ status: 'COMPLETED' })
    for (const program of [agent, other, key]) await program.close()
  })

  test('of agents begins anew with each month', async ({ clocked, alice }) => {
    const made = await makeAgent(alice, { permissions: allActions().filter(isGrantable) })
    const before = programOf(alice, await tokenOf(alice, made))
    const session = await openChat(before)
    await rule(alice, { agentCapMillionths: '0' })
    const { required } = await refused(before, session.id)
    await rule(alice, { agentCapMillionths: String(required) })
    await sendAndWait(before, session.id)
    expect((await refused(before, (await openChat(before)).id)).remaining).toBeLessThan(required)
    endMonth(clocked)
    const later = await signIn(clocked, alice.email)
    const after = programOf(alice, await tokenOf(later, made))
    expect(await sendAndWait(after, (await openChat(after)).id)).toMatchObject({ status: 'COMPLETED' })
    for (const client of [before, after, later]) await client.close()
  })
})
