import type { Context } from '../../../platform/context.ts'
import { inKeysetOrder, keyset, type Window } from '../../../platform/database/keyset.ts'
import { may } from '../../../platform/gate.ts'
import { defineCountLoader, defineListLoader, load } from '../../../platform/loaders.ts'
import type { ProjectRow } from '../../projects/project.reads.ts'
import {
  type ChatSessionRow,
  type ChatSessionStatus,
  findChatSession,
  isOfStatus,
  takesPart,
} from './chat-session.reads.ts'

type Status = ChatSessionStatus | null

interface Listed {
  readonly id: string
  readonly parentId: string
}

const sessionIdsByProject = defineListLoader<Listed, Status>({
  name: 'sessionIdsByProject',
  parentOf: ({ parentId }) => parentId,
  read: (db, projectIds, window, status) => {
    const joined = db
      .from('project')
      .where('project.id', 'in', projectIds)
      .innerJoinLateral(
        (on) => {
          const ofProject = on
            .selectFrom('chat_session')
            .whereRef('chat_session.project_id', '=', 'project.id')
            .where(takesPart(db))
            .where(isOfStatus(status))
            .select('chat_session.id')
          return keyset(ofProject, ['chat_session.id'], 'desc', window).as('listed')
        },
        (join) => join.onTrue(),
      )
      .select(['listed.id', 'project.id as parentId'])
    return inKeysetOrder(joined, ['listed.id'], 'desc', window).execute()
  },
})

const sessionCountByProject = defineCountLoader<Status>({
  name: 'sessionCountByProject',
  read: async (db, projectIds, status) => {
    const rows = await db
      .from('chat_session')
      .where('chat_session.project_id', 'in', projectIds)
      .where(takesPart(db))
      .where(isOfStatus(status))
      .groupBy('chat_session.project_id')
      .select((on) => ['chat_session.project_id as parentId', on.fn.countAll<number>().as('count')])
      .execute()
    return rows.map(({ parentId, count }) => ({ parentId: parentId ?? '', count }))
  },
})

/** The sessions of a project the viewer has read already in which they take part, newest first. */
export async function listChatSessionsOf(
  ctx: Context,
  project: ProjectRow,
  status: Status,
  window: Window,
): Promise<ChatSessionRow[]> {
  if (!may(ctx, 'chat_session.read', project)) return []
  const listed = await load(ctx, sessionIdsByProject, { parentId: project.id, window, options: status })
  const found = await Promise.all((listed ?? []).map(({ id }) => findChatSession(ctx, id)))
  return found.filter((session) => session !== null)
}

/** How many of them there are. */
export async function countChatSessionsOf(ctx: Context, project: ProjectRow, status: Status): Promise<number> {
  if (!may(ctx, 'chat_session.read', project)) return 0
  return (await load(ctx, sessionCountByProject, { parentId: project.id, options: status })) ?? 0
}
