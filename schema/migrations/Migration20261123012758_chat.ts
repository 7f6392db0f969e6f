import { Migration } from '@mikro-orm/migrations';

export class Migration20261123012758_chat extends Migration {

  override name = 'Migration20261123012758_chat';

  override up(): void | Promise<void> {
    this.addSql(`create table "chat_session" ("id" uuid not null, "organization_id" uuid not null, "project_id" uuid null, "title" varchar(200) null, "model_id" varchar(128) null, "created_by_id" uuid not null, "version" int not null default 1, "created_at" timestamptz not null, "updated_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`create index "chat_session_organization_id_id_index" on "chat_session" ("organization_id", "id");`);
    this.addSql(`create index "chat_session_project_id_id_index" on "chat_session" ("project_id", "id");`);

    this.addSql(`create table "message" ("id" uuid not null, "organization_id" uuid not null, "session_id" uuid not null, "role" varchar(16) not null, "author_id" uuid null, "content" text not null, "citations" jsonb not null, "status" varchar(16) not null, "failure_code" varchar(32) null, "model_id" varchar(128) null, "fence" int not null, "lease_until" timestamptz null, "created_at" timestamptz not null, "updated_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`create index "message_session_id_id_index" on "message" ("session_id", "id");`);
    this.addSql(`create unique index "message_one_streaming_unique" on "message" ("session_id") where "status" = 'STREAMING';`);
    this.addSql(`create index "message_lease_index" on "message" ("lease_until") where "status" = 'STREAMING';`);

    this.addSql(`create table "chat_participant" ("session_id" uuid not null, "user_id" uuid not null, "organization_id" uuid not null, "joined_at" timestamptz not null, primary key ("session_id", "user_id"));`);
    this.addSql(`create index "chat_participant_user_id_session_id_index" on "chat_participant" ("user_id", "session_id");`);

    this.addSql(`alter table "chat_session" add constraint "chat_session_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "chat_session" add constraint "chat_session_project_id_foreign" foreign key ("project_id") references "project" ("id") on delete set null;`);
    this.addSql(`alter table "chat_session" add constraint "chat_session_created_by_id_foreign" foreign key ("created_by_id") references "user" ("id");`);

    this.addSql(`alter table "message" add constraint "message_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "message" add constraint "message_session_id_foreign" foreign key ("session_id") references "chat_session" ("id");`);
    this.addSql(`alter table "message" add constraint "message_author_id_foreign" foreign key ("author_id") references "user" ("id") on delete set null;`);

    this.addSql(`alter table "chat_participant" add constraint "chat_participant_session_id_foreign" foreign key ("session_id") references "chat_session" ("id") on update cascade on delete cascade;`);
    this.addSql(`alter table "chat_participant" add constraint "chat_participant_user_id_foreign" foreign key ("user_id") references "user" ("id") on update cascade on delete cascade;`);
    this.addSql(`alter table "chat_participant" add constraint "chat_participant_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "message" drop constraint "message_session_id_foreign";`);
    this.addSql(`alter table "chat_participant" drop constraint "chat_participant_session_id_foreign";`);

    this.addSql(`drop table if exists "chat_session" cascade;`);
    this.addSql(`drop table if exists "message" cascade;`);
    this.addSql(`drop table if exists "chat_participant" cascade;`);
  }

}
