import { builder } from '../../../graphql/builder.ts'
import { describedValues } from '../../../graphql/enums.ts'
import { ActorInterface } from '../../accounts/users/user.graphql.ts'
import { authorOf } from '../../accounts/users/user.reads.ts'
import type { ToolCallStatus } from './tool-call.entity.ts'
import { findToolCall, mayReadOutcome, type ToolCallRow } from './tool-call.reads.ts'

const statusDescriptions: Record<ToolCallStatus, string> = {
  AWAITING_APPROVAL: 'It waits for whoever is answered to approve or reject it, until `expiresAt`.',
  APPROVED: 'It was approved, and is about to be done.',
  RUNNING: 'It is being done.',
  COMPLETED: 'It was done.',
  FAILED: 'It could not be done; `output` says why.',
  REJECTED: 'It was rejected, and not done.',
  EXPIRED: 'Nobody approved it in time; it was not done.',
  CANCELLED: 'The answer ended first. Unless it had been running it was not done.',
}

const ToolCallStatusRef = builder.enumType('ToolCallStatus', {
  description: 'What became of a call of a tool.',
  values: describedValues(statusDescriptions),
})

/** A call of a tool. */
export const ToolCallType = builder.node(builder.objectRef<ToolCallRow>('ToolCall'), {
  description:
    'Something a model wanted done while it wrote an answer. It is done with the permissions of whoever is answered, and of nobody else.',
  authScopes: async (call, ctx) => (await findToolCall(ctx, call.id)) !== null,
  id: { description: 'Opaque, typed and sortable: `tool_call_01jd…`.', resolve: (call) => call.id },
  loadOne: (id, ctx) => findToolCall(ctx, id),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The tool, as the model named it: `createPage`.' }),
    input: t.expose('input', {
      type: 'JSON',
      nullable: true,
      description: 'What the model gave it, as it wrote it; null when that was no JSON, or too much.',
    }),
    digest: t.exposeString('digest', {
      description: 'Stands for exactly this tool with exactly this input; an approval names it.',
    }),
    status: t.field({ type: ToolCallStatusRef, description: 'What became of it.', resolve: ({ status }) => status }),
    output: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'What the model was told; null until it has ended, and when it was read from what is not yours to see.',
      resolve: async (call, _args, ctx) => ((await mayReadOutcome(ctx, call)) ? call.output : null),
    }),
    askedBy: t.field({
      type: ActorInterface,
      description: 'Who is answered: the only one who may approve or reject it.',
      resolve: (call, _args, ctx) => authorOf(ctx, call.askedById),
    }),
    decidedBy: t.field({
      type: ActorInterface,
      nullable: true,
      description: 'Who approved or rejected it; null when nobody did.',
      resolve: (call, _args, ctx) => (call.decidedById === null ? null : authorOf(ctx, call.decidedById)),
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when it can be approved; null where it asks nobody.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the model wanted it.' }),
    endedAt: t.expose('endedAt', { type: 'DateTime', nullable: true, description: 'When it ended; null until then.' }),
  }),
})
