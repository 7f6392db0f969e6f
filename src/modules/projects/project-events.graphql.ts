import type { ObjectRef } from '@pothos/core'
import { z } from 'zod'
import { builder, type SchemaTypes } from '../../graphql/builder.ts'
import { uuidOf } from '../../graphql/ids.ts'
import { ResyncRequiredRef, type StreamControl, SubscriptionEndedRef } from '../../graphql/stream-control.ts'
import { follow } from '../../graphql/subscription.ts'
import type { ChannelEvent } from '../../platform/channels/log.ts'
import type { Context } from '../../platform/context.ts'
import { requireViewer } from '../../platform/gate.ts'
import { projectChannel } from './project.events.ts'
import { ProjectType } from './project.graphql.ts'
import { findProject } from './project.reads.ts'
import { getProject } from './project.service.ts'

/** An event of a project's channel with its place. */
export interface ToldInProject {
  readonly type: string
  readonly cursor: string
  readonly projectId: string
}

/** One kind of event of a project: its type in the graph, whose name is the event's, and what is recorded of it beside that. */
export interface ProjectEventType {
  readonly ref: Pick<ObjectRef<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>, unknown>, 'name'>
  readonly payload: z.ZodType<object>
  /** Whether what was recorded is told to the viewer of a context, who may see the project; to all of them unless given. */
  readonly isFor?: (ctx: Context, payload: unknown) => boolean
}

/** All kinds of events of projects: later modules add those of what stands in a project. */
export const projectEventTypes: ProjectEventType[] = []

/** How the cursor of an event is described. */
export const eventCursorDescription = 'The place of this event; go on from it with `after`.'

function ofProject(name: string, description: string) {
  return builder.objectRef<ToldInProject>(name).implement({
    description,
    fields: (t) => ({
      cursor: t.expose('cursor', { type: 'Cursor', description: eventCursorDescription }),
      project: t.field({
        type: ProjectType,
        nullable: true,
        description: 'The project as it is now; null when you cannot see it any more.',
        resolve: ({ projectId }, _args, ctx) => findProject(ctx, projectId),
      }),
    }),
  })
}

projectEventTypes.push(
  {
    ref: ofProject(
      'ProjectUpdated',
      'The project itself changed: what it is called, whom it is open to, or that it was archived or restored.',
    ),
    payload: z.object({}),
  },
  {
    ref: ofProject('ProjectMembersChanged', 'Somebody got a role in the project, another one, or none.'),
    payload: z.object({}),
  },
)

type ProjectEvent = ToldInProject | StreamControl
type AnyType = ObjectRef<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>, ProjectEvent>

const ProjectEventRef = builder.unionType('ProjectEvent', {
  description: 'What can happen in a project while you watch it.',
  // Once all modules have added theirs.
  types: () => [...projectEventTypes.map(({ ref }) => ref as AnyType), ResyncRequiredRef, SubscriptionEndedRef],
  resolveType: (event) => (event as ProjectEvent).type,
})

// Project.eventsCursor
builder.objectField(ProjectType, 'eventsCursor', (t) =>
  t.expose('eventsCursor', {
    type: 'Cursor',
    description: 'Where the project’s live events stood: `projectEvents(after:)` goes on from here without a gap.',
  }),
)

// Subscription.projectEvents
builder.subscriptionField('projectEvents', (t) =>
  t.field({
    type: ProjectEventRef,
    description:
      'What happens to a project, to the pages in it and to the chat sessions of yours, in order, each event once; what happens on a page is told by `pageEvents`, what is said in a session by `chatEvents`. Keep the newest cursor; send it as `after` when you reconnect.',
    authScopes: { authenticated: true },
    args: {
      projectId: t.arg.id({ required: true, description: 'The project to watch.' }),
      after: t.arg({
        type: 'Cursor',
        description: 'Go on after this event, or after `Project.eventsCursor`; from now on when left out.',
      }),
    },
    subscribe: async (_root, args, ctx) => {
      const projectId = uuidOf('Project', args.projectId)
      const found = await follows(ctx, projectId)
      return follow(ctx, {
        channel: projectChannel(requireViewer(ctx).organizationId, projectId),
        after: args.after,
        gate: (fresh) => follows(fresh, projectId),
        found,
        isFor: ({ type, payload }, fresh) => kindOf(type)?.isFor?.(fresh, payload) ?? true,
        toEvent: (event, cursor) => toldInProject(event, { cursor, projectId }),
      }) as unknown as AsyncIterable<ProjectEvent>
    },
    resolve: (event) => event,
  }),
)

async function follows(ctx: Context, id: string) {
  const { home } = await getProject(ctx, id, 'project.read')
  return { projectId: id, home }
}

function kindOf(type: string): ProjectEventType | undefined {
  return projectEventTypes.find(({ ref }) => ref.name === type)
}

/** An event as it was recorded, perhaps by older code; null when it is none that this code knows. */
function toldInProject({ type, payload }: ChannelEvent, place: Omit<ToldInProject, 'type'>): ToldInProject | null {
  const known = kindOf(type)?.payload.safeParse(payload).data
  return known === undefined ? null : { ...known, ...place, type }
}
