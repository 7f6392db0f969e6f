import { readFileSync } from 'node:fs'
import type {
  ChatEventsSubscription,
  ChatEventsSubscriptionVariables,
  ChatSessionQuery,
  ChatSessionQueryVariables,
  CreateBlocksMutation,
  CreateBlocksMutationVariables,
  CreateChatSessionMutation,
  CreateChatSessionMutationVariables,
  CreatePageMutation,
  CreatePageMutationVariables,
  CreateProjectMutation,
  CreateProjectMutationVariables,
  LoginMutation,
  LoginMutationVariables,
  PageEventsSubscription,
  PageEventsSubscriptionVariables,
  PageQuery,
  PageQueryVariables,
  RegisterMutation,
  RegisterMutationVariables,
  SearchQuery,
  SearchQueryVariables,
  SendMessageMutation,
  SendMessageMutationVariables,
} from '../test/gql/graphql.ts'

/** The queries and mutations of the demo: what each answers, and what it takes. */
export interface Operations {
  readonly register: [RegisterMutation['register'], RegisterMutationVariables]
  readonly login: [LoginMutation['login'], LoginMutationVariables]
  readonly createProject: [CreateProjectMutation['createProject'], CreateProjectMutationVariables]
  readonly createPage: [CreatePageMutation['createPage'], CreatePageMutationVariables]
  readonly createBlocks: [CreateBlocksMutation['createBlocks'], CreateBlocksMutationVariables]
  readonly page: [PageQuery['page'], PageQueryVariables]
  readonly search: [SearchQuery['search'], SearchQueryVariables]
  readonly createChatSession: [CreateChatSessionMutation['createChatSession'], CreateChatSessionMutationVariables]
  readonly sendMessage: [SendMessageMutation['sendMessage'], SendMessageMutationVariables]
  readonly chatSession: [ChatSessionQuery['chatSession'], ChatSessionQueryVariables]
}

/** The subscriptions of the demo: what each tells, and what it takes. */
export interface Subscriptions {
  readonly pageEvents: [PageEventsSubscription['pageEvents'], PageEventsSubscriptionVariables]
  readonly chatEvents: [ChatEventsSubscription['chatEvents'], ChatEventsSubscriptionVariables]
}

/** The document of an operation, from the examples GraphiQL shows. */
export function documentOf(name: keyof Operations | keyof Subscriptions): string {
  return readFileSync(new URL(`../schema/operations/${name}.graphql`, import.meta.url), 'utf8')
}
