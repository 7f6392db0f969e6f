import { z } from 'zod'
import { builder } from '../../../graphql/builder.ts'
import { encodeGlobalId } from '../../../graphql/ids.ts'
import { eventCursorDescription, projectEventTypes, type ToldInProject } from '../../projects/project-events.graphql.ts'
import type { PageChange } from './page.events.ts'
import { PageType } from './page.graphql.ts'
import { findPage } from './page.reads.ts'

// What projectEvents tells of the pages of a project.

interface ToldOfPage extends ToldInProject {
  readonly pageId: string
}

const payload = z.object({ pageId: z.uuid() })
const pageIdDescription = 'The page.'

const descriptions: Record<Exclude<PageChange, 'PageRemoved'>, string> = {
  PageAdded:
    'A page came to the project: it was made there, copied, or moved there from elsewhere. What stands in it follows, each page with an event of its own.',
  PageChanged: 'A page is called or looks otherwise, has other tags, or was archived or restored.',
  PageMoved: 'A page has another place within the project. What stands in it moved with it, and is not told of.',
}

for (const [name, description] of Object.entries(descriptions)) {
  const ref = builder.objectRef<ToldOfPage>(name).implement({
    description,
    fields: (t) => ({
      cursor: t.expose('cursor', { type: 'Cursor', description: eventCursorDescription }),
      pageId: t.id({ description: pageIdDescription, resolve: ({ pageId }) => encodeGlobalId('Page', pageId) }),
      page: t.field({
        type: PageType,
        nullable: true,
        description: 'The page as it is now; null when it is gone again, or where you cannot see it.',
        resolve: ({ pageId }, _args, ctx) => findPage(ctx, pageId),
      }),
    }),
  })
  projectEventTypes.push({ ref, payload })
}

const PageRemovedRef = builder.objectRef<ToldOfPage>('PageRemoved').implement({
  description:
    'A page is no longer in the project: it was moved elsewhere, or deleted. What stood in it went before it, each page with an event of its own.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: eventCursorDescription }),
    pageId: t.id({ description: pageIdDescription, resolve: ({ pageId }) => encodeGlobalId('Page', pageId) }),
  }),
})
projectEventTypes.push({ ref: PageRemovedRef, payload })
