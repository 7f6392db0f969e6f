import { guest, owner, strangers } from './actors.ts'
import { change, findBlock, findPage, noTenant } from './layers.ts'
import type { Killers, Mutant } from './mutation.ts'

// What stands between a search and what its viewer may not read.

const scope = 'src/modules/chat/search/search-scope.reads.ts'
const service = 'src/modules/chat/search/search.service.ts'
const words = 'src/modules/chat/search/asked-words.reads.ts'

const openPages = change(scope, 'let pages = readablePages(db)', "let pages = db.from('page')")
const openSessions = change(scope, 'let sessions = readableSessions(db)', "let sessions = db.from('chat_session')")
const anyPlace = change(
  scope,
  'where one.organization_id = ${db.organizationId}::uuid and one.is_among',
  'where one.is_among',
)
const everywhere = [noTenant('page', 'chat_session'), openPages, openSessions, anyPlace]
const rights = (named: string, file = 'rights'): { killers: Killers } => ({
  killers: { files: [`test/modules/chat/search/${file}.test.ts`], named },
})

/** Of `Query.search`. */
export const searchMutants: readonly Mutant[] = [
  { name: 'Search: finds any page of its organization', edits: [openPages], ...strangers(guest, 'Query.search') },
  { name: 'Search: finds any message of its organization', edits: [openSessions], ...strangers(guest, 'Query.search') },
  {
    name: 'Search: finds by words in every organization',
    edits: [
      ...everywhere,
      change(
        'src/modules/chat/search/lexical.reads.ts',
        'where text.organization_id = ${db.organizationId}::uuid and text.words',
        'where text.words',
      ),
    ],
    ...strangers(owner, 'Query.search'),
  },
  {
    name: 'Search: finds by meaning in every organization',
    edits: [
      ...everywhere,
      change(
        'src/modules/chat/search/nearest.reads.ts',
        'where chunk.organization_id = ${organizationId} and chunk.model_id',
        'where chunk.model_id',
      ),
    ],
    ...strangers(owner, 'Query.search'),
  },
  {
    name: 'Search: believes the index',
    edits: [
      change(
        service,
        'return new Map(things.map((thing) => [thing.id, thing]))',
        'return new Map([...things, ...matches].map((thing) => [thing.id, { projectId: null, ...(thing as Findable) }]))',
      ),
    ],
    ...rights('whose blocks move'),
  },
  {
    name: 'Search: finds a page by what stands there no more',
    edits: [change(service, '[{ ...match, homeId: thing.homeId }]', '[match]')],
    ...rights('where it stands'),
  },
  {
    name: 'Search: goes on with what may not be read any more',
    edits: [
      change(
        service,
        'return thing === undefined ? [] : [{ ...hit, projectId: thing.projectId }]',
        'return [{ ...hit, projectId: thing?.projectId ?? null }]',
      ),
    ],
    ...rights('whose project becomes private'),
  },
  {
    name: 'Search: gone on with by somebody else',
    edits: [
      change(service, 'canonicalJson({ userId, organizationId,', 'canonicalJson({ organizationId,'),
      change(service, '`${userId}/${id}`', 'id'),
    ],
    ...rights('nobody goes on'),
  },
  {
    name: 'Search: gone on with by a program that may read less',
    edits: [change(service, '...plain, times, read })', '...plain, times })')],
    ...rights('pages by their titles', 'rights-of-programs'),
  },
  {
    name: 'Search: finds a program what it may not read',
    edits: [change(scope, 'all.filter((kind) => may[kind] && (', 'all.filter((kind) => (')],
    ...rights('pages by their titles', 'rights-of-programs'),
  },
  {
    name: 'Search: weighs words by what may not be read',
    edits: [change(words, 'words @@ ${query}::tsquery and ${isReadable} limit', 'words @@ ${query}::tsquery limit')],
    ...rights('changes nothing of what'),
  },
  {
    name: 'Search: looks at few words beside one, whatever may be read',
    edits: [change(words, 'MAX_CANDIDATES = 1_000', 'MAX_CANDIDATES = 8')],
    ...rights('crowd out'),
  },
  {
    name: 'Search: shows what it found through no gate',
    edits: [findPage, findBlock],
    ...strangers(guest, 'Query.search'),
    survives: 'findFindable has left out before what these gates would: they are for what happens in between',
  },
]
