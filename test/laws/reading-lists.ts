// How every list of the schema is read, by its coordinate, with whatever its items are shown with; `$first` items at a time.

import { SOUGHT } from './reading-furniture.ts'

/** A list: what it is of, its coordinate, and a document that reads it. */
export type ReadList = readonly [name: string, coordinate: string, document: string]

const actor =
  '{ id displayName avatarUrl ... on User { username email createdAt } ... on Agent { kind viewerCan owner { id } } }'
const project = `{ id name viewerCan owner ${actor} }`
const page = `id title viewerCan eventsCursor createdBy ${actor} updatedBy ${actor} project ${project}`
const pageInfo = 'totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }'

/** Those of documents. */
export const oceanLists: readonly ReadList[] = [
  [
    'pages with their authors and projects',
    'Query.pages',
    `query ($first: Int) { pages(first: $first) { nodes { ${page} } ${pageInfo} } }`,
  ],
  [
    'blocks with their authors, page and what they stand in',
    'Page.blocks',
    `query ($first: Int, $pageId: ID!) { page(id: $pageId) {
      blocks(first: $first) { nodes { id text depth parent { id text } createdBy ${actor} updatedBy ${actor} page { ${page} } } ${pageInfo} }
    } }`,
  ],
  [
    'pages with the first of their blocks',
    'Query.pages',
    `query ($first: Int) { pages(first: $first) { nodes {
      blocks(first: 2) { nodes { id text createdBy ${actor} } ${pageInfo} }
      last: blocks(last: 1) { nodes { id page { id } } }
    } } }`,
  ],
  ['things by their ids', 'Query.nodes', `query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Page { ${page} } } }`],
  [
    'pages with what stands in them',
    'Query.pages',
    `query ($first: Int) { pages(first: $first, filter: { isTopLevel: false }, orderBy: OLDEST) { nodes {
      ${page} depth archivedAt children(first: 2) { nodes { id title createdBy ${actor} } ${pageInfo} }
      archived: children(isArchived: true) { totalCount }
    } ${pageInfo} } }`,
  ],
  [
    'pages with parents and counts of children',
    'Query.pages',
    `query ($first: Int) { pages(first: $first, filter: { isTopLevel: false }) { nodes {
      ${page} parent { ${page} children { totalCount } } ancestors { ${page} } children { totalCount }
    } ${pageInfo} } }`,
  ],
  [
    'pages of a page with what stands in them',
    'Page.children',
    `query ($first: Int, $pageId: ID!) { page(id: $pageId) {
      children(first: $first) { nodes { ${page} parent { id } ancestors { id } children { totalCount nodes { id } } } ${pageInfo} }
    } }`,
  ],
  [
    'pages of a project by title with their parents',
    'Project.pages',
    `query ($first: Int, $projectId: ID!) { project(id: $projectId) {
      pages(first: $first, orderBy: TITLE) { nodes { ${page} parent { id } children { totalCount } } ${pageInfo} }
    } }`,
  ],
  [
    'projects with some of their pages',
    'Query.projects',
    `query ($first: Int) { projects(first: $first) { nodes {
      id eventsCursor pages(first: 2, filter: { isArchived: false }, orderBy: UPDATED) { nodes { ${page} } ${pageInfo} }
      last: pages(last: 1) { nodes { id } totalCount }
    } } }`,
  ],
]

const found = `score matchedBy snippet highlights { start end } node {
  ... on Page { ${page} }
  ... on Block { id text createdBy ${actor} updatedBy ${actor} page { ${page} } }
  ... on Message { id content author ${actor} model { id } session { id title project ${project} } }
}`
// All projects are counted, whatever is shown: of people they name, some would be loaded with what is shown.
const facets = 'facets { types { type count } projects { count project { id name viewerCan } } }'

/** What is found, one kind after the other: of all kinds the shorter list could have fewer kinds than the longer. */
export const searchLists: readonly ReadList[] = ['PAGE', 'BLOCK', 'MESSAGE'].map((type) => [
  `of kind ${type} what is found`,
  'Query.search',
  `query ($first: Int) { search(query: "${SOUGHT}", first: $first, filter: { types: ${type} }) {
    nodes { ${found} } ${facets} ${pageInfo}
  } }`,
])

/** All others. */
export const otherLists: readonly ReadList[] = [
  [
    'projects with their owners',
    'Query.projects',
    `query ($first: Int) { projects(first: $first) { nodes ${project} ${pageInfo} } }`,
  ],
  [
    'members of a project with their projects',
    'Project.members',
    `query ($first: Int, $projectId: ID!) { project(id: $projectId) {
      members(first: $first) { nodes { id role member ${actor} project { id name viewerCan } } ${pageInfo} }
    } }`,
  ],
  [
    'projects with the first of their members',
    'Query.projects',
    `query ($first: Int) { projects(first: $first) { nodes { id viewerCan members(first: 2) { nodes { id member ${actor} } } } } }`,
  ],
  [
    'chat sessions with their people and last messages',
    'Query.chatSessions',
    `query ($first: Int) { chatSessions(first: $first) { nodes {
      id title status context model { id } createdBy ${actor} participants ${actor} project ${project}
      messages(last: 1) { nodes { id content author ${actor} model { id } session { id } } ${pageInfo} }
    } ${pageInfo} } }`,
  ],
  [
    'chat sessions of a project with their people',
    'Project.chatSessions',
    `query ($first: Int, $projectId: ID!) { project(id: $projectId) {
      chatSessions(first: $first) { nodes { id title status participants ${actor} createdBy ${actor} } totalCount ${pageInfo} }
    } }`,
  ],
  [
    'projects with the first of their chat sessions',
    'Query.projects',
    `query ($first: Int) { projects(first: $first) { nodes {
      id chatSessions(first: 2, status: ACTIVE) { nodes { id title project ${project} } totalCount ${pageInfo} }
    } } }`,
  ],
  [
    'messages with their authors',
    'ChatSession.messages',
    `query ($first: Int, $sessionId: ID!) { chatSession(id: $sessionId) {
      messages(first: $first) { nodes { id content author ${actor} parts {
        __typename ... on CitationPart { quote page { ${page} } block { id } }
      } } ${pageInfo} }
    } }`,
  ],
  [
    'devices of the viewer',
    'Viewer.deviceSessions',
    `query ($first: Int) { viewer { deviceSessions(first: $first) { nodes { id isCurrent lastSeenAt } ${pageInfo} } } }`,
  ],
  [
    'the audit trail with its actors',
    'Query.auditEvents',
    `query ($first: Int) { auditEvents(first: $first) { nodes { id action targetId actor ${actor} } eventsCursor ${pageInfo} } }`,
  ],
  [
    'organizations of the viewer',
    'Viewer.memberships',
    `query ($first: Int) { viewer { memberships(first: $first) {
      nodes { id role member ${actor} organization { id name slug viewerCan members { totalCount } } } ${pageInfo}
    } } }`,
  ],
  [
    'members of the organization',
    'Organization.members',
    `query ($first: Int) { organization { members(first: $first) {
      nodes { id role joinedAt member ${actor} organization { id name } } ${pageInfo}
    } } }`,
  ],
  [
    'open invitations',
    'Organization.invitations',
    `query ($first: Int) { organization { invitations(first: $first) {
      nodes { id email role expiresAt invitedBy ${actor} } ${pageInfo}
    } } }`,
  ],
  [
    'people, for an administrator of the platform',
    'Query.users',
    `query ($first: Int) { users(first: $first) { nodes {
      id displayName username email emailVerifiedAt suspendedAt isPlatformAdmin
    } ${pageInfo} } }`,
  ],
  [
    'people by their ids',
    'Query.nodes',
    'query ($userIds: [ID!]!) { nodes(ids: $userIds) { id ... on User { email suspendedAt } } }',
  ],
  [
    'keys of the viewer',
    'Viewer.apiKeys',
    `query ($first: Int) { viewer { apiKeys(first: $first) { nodes { id name prefix permissions } ${pageInfo} } } }`,
  ],
  [
    'agents of an organization with their owners',
    'Organization.agents',
    `query ($first: Int) { viewer { organization { agents(first: $first) {
      nodes { id displayName permissions viewerCan owner { id displayName username } } ${pageInfo}
    } } } }`,
  ],
]
