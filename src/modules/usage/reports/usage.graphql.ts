import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { actorId, idOf } from '../../../graphql/ids.ts'
import { optional } from '../../../graphql/input.ts'
import { parseFilter } from '../../../graphql/mutation.ts'
import { ActorInterface } from '../../accounts/users/user.graphql.ts'
import { findAuthor } from '../../accounts/users/user.reads.ts'
import { ProjectType } from '../../projects/project.graphql.ts'
import { findProject } from '../../projects/project.reads.ts'
import { inMillionths } from '../credits/credits.graphql.ts'
import { type UsageDimension, type UsageGroup, type UsageTotals, usageDimensions } from './usage.reads.ts'
import { readUsage, type UsageReport } from './usage.service.ts'

const dimensionDescriptions: Record<UsageDimension, string> = {
  DAY: 'The day on which the answer ended, in UTC.',
  MODEL: 'The model that was asked.',
  PROJECT: 'The project of the session, when it was asked.',
  ACTOR: 'The person or agent who asked.',
}

const UsageDimensionRef = builder.enumType('UsageDimension', {
  description: 'By what usage is told apart.',
  values: describedValues(dimensionDescriptions),
})

const UsageTotalsRef = builder.objectRef<UsageTotals>('UsageTotals').implement({
  description: 'What answers took and cost together.',
  fields: (t) => ({
    answers: t.exposeInt('answers', { description: 'How many.' }),
    inputTokens: t.expose('inputTokens', {
      type: 'BigInt',
      description: 'Of what models were sent, in all steps; cached ones among them.',
    }),
    cachedInputTokens: t.expose('cachedInputTokens', {
      type: 'BigInt',
      description: 'Of these, those that were cached.',
    }),
    outputTokens: t.expose('outputTokens', {
      type: 'BigInt',
      description: 'Of what they wrote; those of thinking among them.',
    }),
    reasoningTokens: t.expose('reasoningTokens', { type: 'BigInt', description: 'Of these, those of thinking.' }),
    costMillionths: t.expose('cost', { type: 'BigInt', description: `What they cost, ${inMillionths}.` }),
  }),
})

const UsageGroupRef = builder.objectRef<UsageGroup>('UsageGroup').implement({
  description: 'The answers of one day, model, project or actor; what they are not told apart by is null.',
  fields: (t) => ({
    day: t.exposeString('day', { nullable: true, description: 'The day in UTC: `2026-11-27`.' }),
    modelId: t.exposeString('modelId', {
      nullable: true,
      description: 'The model, as `Model.id` names it, also when that is gone.',
    }),
    project: t.field({
      type: ProjectType,
      nullable: true,
      description: 'The project; null for what was asked in none, and together with that for all you cannot read.',
      resolve: ({ projectId }, _args, ctx) => (projectId === null ? null : findProject(ctx, projectId)),
    }),
    actor: t.field({
      type: ActorInterface,
      nullable: true,
      description: 'The person or agent; null too when they are gone.',
      resolve: ({ actorId }, _args, ctx) => (actorId === null ? null : findAuthor(ctx, actorId)),
    }),
    totals: t.field({ type: UsageTotalsRef, description: 'What they come to.', resolve: (group) => group }),
  }),
})

const UsageReportRef = builder.objectRef<UsageReport>('UsageReport').implement({
  description: 'What an organization’s answers took and cost: exactly what its credits were charged.',
  fields: (t) => ({
    totals: t.field({ type: UsageTotalsRef, description: 'All of them.', resolve: ({ totals }) => totals }),
    groups: t.field({
      type: [UsageGroupRef],
      description: 'The same told apart by `groupBy`: by day in order of days, else the dearest first.',
      resolve: ({ groups }) => [...groups],
    }),
    hasMoreGroups: t.exposeBoolean('hasMoreGroups', {
      description: 'There are more groups than were asked for: narrow it, or ask for more.',
    }),
  }),
})

const MAX_GROUPS = 1_000
const DEFAULT_GROUPS = 100

const UsageInput = builder.inputType('UsageInput', {
  description: 'Which answers to add up, by when they ended.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', required: true, description: 'From here on.' }),
    to: t.field({ type: 'DateTime', required: true, description: 'Before there; at most 366 days later.' }),
    groupBy: t.field({
      type: [UsageDimensionRef],
      description: 'What to tell them apart by; not at all when left out.',
    }),
    projectId: t.id({ description: 'Only those asked in this project.' }),
    actorId: t.id({ description: 'Only those that this person or agent asked for.' }),
    model: t.string({ description: 'Only those of this model.' }),
    first: t.int({ description: `Groups at most: 1 to ${MAX_GROUPS}; ${DEFAULT_GROUPS} when left out.` }),
  }),
})

const usageInput = z
  .object({
    from: z.date(),
    to: z.date(),
    groupBy: z
      .array(z.enum(usageDimensions))
      .max(usageDimensions.length)
      .nullish()
      .transform((dimensions) => [...new Set(dimensions ?? [])]),
    projectId: optional(idOf('Project')),
    actorId: optional(actorId),
    model: optional(z.string().max(128)),
    first: z
      .int()
      .min(1)
      .max(MAX_GROUPS)
      .nullish()
      .transform((first) => first ?? DEFAULT_GROUPS),
  })
  .transform(({ model, ...input }) => ({ ...input, modelId: model }))

// Query.usage
builder.queryField('usage', (t) =>
  t.field({
    type: UsageReportRef,
    description:
      'What answers took and cost. That of everybody is for administrators; with your own id as `actorId`, or that of an agent of yours, you see what you or it asked for, unless you are a guest.',
    authScopes: { authenticated: true },
    args: { input: t.arg({ type: UsageInput, required: true, description: 'Which answers.' }) },
    resolve: (_root, { input }, ctx) => readUsage(ctx, parseFilter(usageInput, input)),
  }),
)
