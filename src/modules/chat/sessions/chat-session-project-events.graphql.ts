import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { encodeGlobalId } from '../../../graphql/ids.ts'
import type { Context } from '../../../platform/context.ts'
import { isGrantedTo } from '../../../platform/gate.ts'
import { eventCursorDescription, projectEventTypes, type ToldInProject } from '../../projects/project-events.graphql.ts'
import type { ProjectChatChange } from './chat-session.events.ts'
import { ChatSessionType } from './chat-session.graphql.ts'
import { findChatSession } from './chat-session.reads.ts'

// What projectEvents tells of the chat sessions of a project: to those who take part, since to others there are none.

interface ToldOfSession extends ToldInProject {
  readonly sessionId: string
}

const payload = z.object({ sessionId: z.uuid(), userIds: z.array(z.uuid()) })
const sessionIdDescription = 'The chat session.'

/** Whether an event is told to somebody: it names them, and the program they act through may read sessions at all. */
function isFor(ctx: Context, told: unknown): boolean {
  const userIds = payload.safeParse(told).data?.userIds ?? []
  const isNamed = ctx.viewer.kind !== 'anonymous' && userIds.includes(ctx.viewer.userId)
  return isNamed && isGrantedTo(ctx, 'chat_session.read')
}

const descriptions: Record<Exclude<ProjectChatChange, 'ChatSessionRemoved'>, string> = {
  ChatSessionAdded:
    'A chat session of yours came to the project: it was opened there, moved there from elsewhere, or you take part in it from now on.',
  ChatSessionChanged:
    'A chat session of yours is called otherwise, has another model or context, was archived or brought back, or other people take part in it. What is said in it is told by `chatEvents`.',
}

for (const [name, description] of Object.entries(descriptions)) {
  const ref = builder.objectRef<ToldOfSession>(name).implement({
    description,
    fields: (t) => ({
      cursor: t.expose('cursor', { type: 'Cursor', description: eventCursorDescription }),
      sessionId: t.id({
        description: sessionIdDescription,
        resolve: ({ sessionId }) => encodeGlobalId('ChatSession', sessionId),
      }),
      session: t.field({
        type: ChatSessionType,
        nullable: true,
        description: 'The session as it is now; null when it is gone again, or you no longer take part.',
        resolve: ({ sessionId }, _args, ctx) => findChatSession(ctx, sessionId),
      }),
    }),
  })
  projectEventTypes.push({ ref, payload, isFor })
}

const ChatSessionRemovedRef = builder.objectRef<ToldOfSession>('ChatSessionRemoved').implement({
  description:
    'A chat session is no longer in the project, or no longer yours: it was moved elsewhere or deleted, or you do not take part any more.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: eventCursorDescription }),
    sessionId: t.id({
      description: sessionIdDescription,
      resolve: ({ sessionId }) => encodeGlobalId('ChatSession', sessionId),
    }),
  }),
})
projectEventTypes.push({ ref: ChatSessionRemovedRef, payload, isFor })
