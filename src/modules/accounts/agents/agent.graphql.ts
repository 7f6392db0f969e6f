import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { idKey, keysetConnection } from '../../../graphql/connection.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { errorType, UserErrorInterface } from '../../../graphql/errors.ts'
import { idempotencyKey, idempotencyKeyDescription } from '../../../graphql/idempotency.ts'
import { idOf } from '../../../graphql/ids.ts'
import { optional, unlessLeftOut } from '../../../graphql/input.ts'
import { mutation } from '../../../graphql/mutation.ts'
import { displayName } from '../../../lib/account-fields.ts'
import type { Context } from '../../../platform/context.ts'
import { EditConflict } from '../../../platform/errors.ts'
import { allowedActions, may } from '../../../platform/gate.ts'
import { IdempotencyKeyReused } from '../../../platform/idempotency.ts'
import { permissionNames } from '../keys/api-key.graphql.ts'
import { PermissionNotHeld } from '../keys/held-permissions.reads.ts'
import { OrganizationType } from '../organizations/organization.graphql.ts'
import { displayNameDescription } from '../users/account.graphql.ts'
import { ActorInterface, UserType } from '../users/user.graphql.ts'
import { findUser } from '../users/user.reads.ts'
import { type AgentKind, agentKinds } from './agent.entity.ts'
import { agentTrustLevels } from './agent.policy.ts'
import { type AgentRow, countAgents, findAgent, listAgents } from './agent.reads.ts'
import {
  AgentDisabled,
  createAgent,
  disableAgent,
  type IssuedAgentToken,
  issueAgentToken,
  MAX_TOKEN_SECONDS,
  TooManyAgents,
  TrustAboveLimit,
  updateAgent,
} from './agent.service.ts'
import { AgentTrustLevelRef } from './agent-trust.graphql.ts'

const kindDescriptions: Record<AgentKind, string> = {
  CODEX_CLI: 'OpenAI’s Codex on a command line.',
  GEMINI_CLI: 'Google’s Gemini on a command line.',
  CLAUDE: 'Anthropic’s Claude.',
  CUSTOM: 'Any other.',
}

const AgentKindRef = builder.enumType('AgentKind', {
  description: 'What an agent runs on; for people to know, nothing goes by it.',
  values: describedValues(kindDescriptions),
})

errorType(TooManyAgents, 'You have 100 agents in this organization; disable one first.')
errorType(AgentDisabled, 'The agent is disabled, which is for good; make another one.')

builder.objectType(TrustAboveLimit, {
  name: 'TrustAboveLimit',
  description: 'The organization does not trust agents so far.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    limit: t.field({
      type: AgentTrustLevelRef,
      nullable: true,
      description: 'The most it trusts them with; null when it lets none act.',
      resolve: (error) => error.limit,
    }),
  }),
})

// Whose name stands under something is told to whoever reads that; the rest is not.
const orNull = 'null too where you may not see agents'
function seen<Value>(ctx: Context, agent: AgentRow, value: Value): Value | null {
  return may(ctx, 'agent.read', agent) ? value : null
}

/** A service account. */
export const AgentNode = builder.node(builder.objectRef<AgentRow>('Agent'), {
  description:
    'An AI agent: a service account with the least permissions it needs, which acts for the person who owns it.',
  interfaces: [ActorInterface],
  authScopes: { authenticated: true },
  id: { description: 'Opaque, typed and sortable: `agent_01jd…`.', resolve: (agent) => agent.id },
  loadOne: (id, ctx) => findAgent(ctx, id),
  fields: (t) => ({
    kind: t.field({
      type: AgentKindRef,
      nullable: true,
      description: `What it runs on; ${orNull}.`,
      resolve: (agent, _args, ctx) => seen(ctx, agent, agent.kind),
    }),
    trustLevel: t.field({
      type: AgentTrustLevelRef,
      nullable: true,
      description: `How far it is trusted; the organization may allow less; ${orNull}.`,
      resolve: (agent, _args, ctx) => seen(ctx, agent, agent.trustLevel),
    }),
    permissions: t.field({
      type: ['Permission'],
      description:
        'All it was given, sorted; of these it may do what its trust and its owner’s rights allow at the time. Empty where you may not see agents.',
      resolve: (agent, _args, ctx) => seen(ctx, agent, [...agent.permissions]) ?? [],
    }),
    owner: t.field({
      type: UserType,
      nullable: true,
      description: `Whom it acts for; null once they left the organization; ${orNull}.`,
      resolve: (agent, _args, ctx) => seen(ctx, agent, findUser(ctx, agent.ownerId)),
    }),
    version: t.int({
      nullable: true,
      description: `Goes up with every change; updates name the one they saw; ${orNull}.`,
      resolve: (agent, _args, ctx) => seen(ctx, agent, agent.version),
    }),
    createdAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: `When it was made; ${orNull}.`,
      resolve: (agent, _args, ctx) => seen(ctx, agent, agent.createdAt),
    }),
    disabledAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: `When it was disabled; null while it can act; ${orNull}.`,
      resolve: (agent, _args, ctx) => seen(ctx, agent, agent.disabledAt),
    }),
    viewerCan: t.field({
      type: ['Permission'],
      description:
        'What you may do with it: `agent.manage` to change and disable it, `agent.issue_token` if it is your own.',
      resolve: (agent, _args, ctx) =>
        allowedActions(ctx, agent, 'agent').filter(
          (action) => action !== 'agent.create' && (action !== 'agent.issue_token' || isOwn(ctx, agent)),
        ),
    }),
  }),
})

function isOwn({ viewer }: Context, { ownerId }: AgentRow): boolean {
  return viewer.kind !== 'anonymous' && viewer.userId === ownerId
}

// Organization.agents
builder.objectField(OrganizationType, 'agents', (t) =>
  t.connection(
    {
      type: AgentNode,
      nullable: true,
      description:
        'Its agents, disabled ones too, newest first; none for whoever may not see them. Null for another organization than the active one.',
      resolve: ({ id }, args, ctx) =>
        id !== ctx.db.organizationId
          ? null
          : keysetConnection({
              args,
              keySchema: idKey,
              rows: (window) => listAgents(ctx, window),
              keyOf: (agent) => [agent.id],
              count: () => countAgents(ctx),
            }),
    },
    { description: 'A page of agents.' },
    { description: 'One agent of a page.' },
  ),
)

const CreateAgentInput = builder.inputType('CreateAgentInput', {
  description: 'A new agent. It is always your own, in the active organization.',
  fields: (t) => ({
    displayName: t.string({ required: true, description: displayNameDescription }),
    avatarUrl: t.field({ type: 'URL', description: 'A picture.' }),
    kind: t.field({ type: AgentKindRef, required: true, description: 'What it runs on.' }),
    trustLevel: t.field({ type: AgentTrustLevelRef, required: true, description: 'How far it is trusted.' }),
    permissions: t.field({
      type: ['Permission'],
      required: true,
      description: 'All it may do: at least one, and none that you do not have.',
    }),
    idempotencyKey: t.string({ description: idempotencyKeyDescription }),
  }),
})

// Mutation.createAgent
builder.mutationField('createAgent', (t) =>
  mutation(t, {
    type: AgentNode,
    input: CreateAgentInput,
    schema: z.object({
      displayName,
      avatarUrl: optional(z.string()),
      kind: z.enum(agentKinds),
      trustLevel: z.enum(agentTrustLevels),
      permissions: permissionNames,
      idempotencyKey,
    }),
    errors: [PermissionNotHeld, TrustAboveLimit, TooManyAgents, IdempotencyKeyReused],
    description: 'Makes an agent that acts for you, in its own name. Only people make them.',
    resolve: (input, ctx) => createAgent(ctx, input),
  }),
)

const UpdateAgentInput = builder.inputType('UpdateAgentInput', {
  description: 'What to change of an agent; what is left out stays as it is.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Your own agent, or any for administrators.' }),
    expectedVersion: t.int({ required: true, description: 'The version that you saw.' }),
    displayName: t.string({ description: displayNameDescription }),
    avatarUrl: t.field({ type: 'URL', description: 'A picture; null takes it away.' }),
    trustLevel: t.field({ type: AgentTrustLevelRef, description: 'How far it is trusted.' }),
    permissions: t.field({
      type: ['Permission'],
      description: 'All it may do from now on: at least one, and none that its owner does not have.',
    }),
  }),
})

// Mutation.updateAgent
builder.mutationField('updateAgent', (t) =>
  mutation(t, {
    type: AgentNode,
    input: UpdateAgentInput,
    schema: z.object({
      id: idOf('Agent'),
      expectedVersion: z.int32(),
      displayName: unlessLeftOut(displayName),
      avatarUrl: z.string().nullish(),
      trustLevel: unlessLeftOut(z.enum(agentTrustLevels)),
      permissions: unlessLeftOut(permissionNames),
    }),
    errors: [EditConflict, PermissionNotHeld, TrustAboveLimit],
    description:
      'Changes an agent of yours, or as an administrator any, to which you can only leave less. It holds at once, also for what it has open.',
    resolve: (input, ctx) => updateAgent(ctx, input),
  }),
)

const AgentTokenRef = builder.objectRef<IssuedAgentToken>('AgentToken').implement({
  description: 'What an agent acts with, for minutes.',
  fields: (t) => ({
    token: t.exposeString('token', {
      description: 'What it sends, as `Authorization: Bearer oc_agent_…` or as `x-api-key`. It is told this once.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When it ends. It is not renewed; issue another one in time.',
    }),
    agent: t.field({ type: AgentNode, description: 'Whose it is.', resolve: (issued) => issued.agent }),
  }),
})

const IssueAgentTokenInput = builder.inputType('IssueAgentTokenInput', {
  description: 'Which agent is to act, and for how long.',
  fields: (t) => ({
    agentId: t.id({ required: true, description: 'An agent that you own.' }),
    ttlSeconds: t.int({ description: '1 to 900 seconds; 900 when left out.' }),
  }),
})

// Mutation.issueAgentToken
builder.mutationField('issueAgentToken', (t) =>
  mutation(t, {
    type: AgentTokenRef,
    input: IssueAgentTokenInput,
    schema: z.object({
      agentId: idOf('Agent'),
      ttlSeconds: z
        .number()
        .min(1, 'at least 1 second')
        .max(MAX_TOKEN_SECONDS, `at most ${MAX_TOKEN_SECONDS} seconds`)
        .nullish()
        .transform((seconds) => seconds ?? MAX_TOKEN_SECONDS),
    }),
    errors: [AgentDisabled],
    description: 'Issues a token that one of your agents acts with. Nobody else can, administrators neither.',
    resolve: (input, ctx) => issueAgentToken(ctx, input.agentId, input.ttlSeconds),
  }),
)

const DisableAgentInput = builder.inputType('DisableAgentInput', {
  description: 'Which agent is to end.',
  fields: (t) => ({ id: t.id({ required: true, description: 'Your own agent, or any for administrators.' }) }),
})

// Mutation.disableAgent
builder.mutationField('disableAgent', (t) =>
  mutation(t, {
    type: AgentNode,
    input: DisableAgentInput,
    schema: z.object({ id: idOf('Agent') }),
    description:
      'Ends an agent for good, with all its tokens: at once for requests, within two seconds for what it has open. What it made stays.',
    resolve: (input, ctx) => disableAgent(ctx, input.id),
  }),
)
