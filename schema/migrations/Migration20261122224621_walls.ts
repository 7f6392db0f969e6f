import { Migration } from '@mikro-orm/migrations';

export class Migration20261122224621_walls extends Migration {

  override name = 'Migration20261122224621_walls';

  override up(): void | Promise<void> {
    this.addSql(`create table "audit_event" ("id" uuid not null, "organization_id" uuid null, "actor" varchar(64) null, "action" varchar(64) not null, "target" varchar(64) null, "outcome" varchar(16) not null, "address" varchar(64) null, "request_id" varchar(64) not null, "at" timestamptz not null, primary key ("id"));`);
    this.addSql(`create index "audit_event_organization_id_id_index" on "audit_event" ("organization_id", "id");`);
    this.addSql(`alter table "audit_event" add constraint "audit_event_outcome_check" check (outcome in ('allowed', 'denied'));`);

    this.addSql(`create table "channel_event" ("channel" text not null, "seq" bigint not null, "type" text not null, "payload" jsonb not null, "recorded_at" timestamptz not null, primary key ("channel", "seq"));`);
    this.addSql(`create index "channel_event_recorded_at_index" on "channel_event" ("recorded_at");`);

    this.addSql(`create table "channel_head" ("channel" text not null, "epoch" text not null, "seq" bigint not null, primary key ("channel"));`);

    this.addSql(`create table "idempotency_key" ("actor_id" uuid not null, "organization_id" uuid not null, "field" varchar(64) not null, "key" varchar(128) not null, "input_hash" varchar(64) not null, "object_ids" jsonb not null, "expires_at" timestamptz not null, primary key ("actor_id", "organization_id", "field", "key"));`);
    this.addSql(`create index "idempotency_key_expires_at_index" on "idempotency_key" ("expires_at");`);

    this.addSql(`create table "organization" ("id" uuid not null, "name" varchar(80) not null, "slug" varchar(48) not null, "created_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`alter table "organization" add constraint "organization_slug_unique" unique ("slug");`);

    this.addSql(`create table "signing_key" ("kid" varchar(64) not null, "algorithm" varchar(16) not null, "public_jwk" jsonb not null, "sealed_private_jwk" text not null, "created_at" timestamptz not null, primary key ("kid"));`);

    this.addSql(`create table "user" ("id" uuid not null, "email" varchar(254) not null, "email_key" varchar(254) not null, "username" varchar(32) null, "username_key" varchar(32) null, "display_name" varchar(80) not null, "avatar_url" varchar(2048) null, "password_hash" varchar(255) not null, "email_verified_at" timestamptz null, "created_at" timestamptz not null, "updated_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`alter table "user" add constraint "user_email_key_unique" unique ("email_key");`);
    this.addSql(`alter table "user" add constraint "user_username_key_unique" unique ("username_key");`);

    this.addSql(`create table "project" ("id" uuid not null, "organization_id" uuid not null, "name" varchar(120) not null, "description" varchar(2000) null, "created_by_id" uuid not null, "version" int not null default 1, "created_at" timestamptz not null, "updated_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`create index "project_organization_id_id_index" on "project" ("organization_id", "id");`);

    this.addSql(`create table "page" ("id" uuid not null, "organization_id" uuid not null, "project_id" uuid null, "title" varchar(200) not null, "icon" varchar(32) null, "created_by_id" uuid not null, "updated_by_id" uuid not null, "version" int not null default 1, "created_at" timestamptz not null, "updated_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`create index "page_organization_id_id_index" on "page" ("organization_id", "id");`);
    this.addSql(`create index "page_project_id_id_index" on "page" ("project_id", "id");`);

    this.addSql(`create table "membership" ("id" uuid not null, "organization_id" uuid not null, "user_id" uuid not null, "role" varchar(16) not null, "joined_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`create index "membership_user_id_index" on "membership" ("user_id");`);
    this.addSql(`alter table "membership" add constraint "membership_organization_id_user_id_unique" unique ("organization_id", "user_id");`);
    this.addSql(`alter table "membership" add constraint "membership_role_check" check (role in ('OWNER', 'ADMIN', 'EDITOR', 'VIEWER', 'GUEST'));`);

    this.addSql(`create table "device_session" ("id" uuid not null, "user_id" uuid not null, "active_organization_id" uuid not null, "device_name" varchar(80) null, "user_agent" varchar(512) null, "address" varchar(64) null, "refresh_counter" int not null, "refreshed_at" timestamptz not null, "created_at" timestamptz not null, "expires_at" timestamptz not null, "revoked_at" timestamptz null, primary key ("id"));`);
    this.addSql(`create index "device_session_user_id_index" on "device_session" ("user_id");`);
    this.addSql(`create index "device_session_expires_at_index" on "device_session" ("expires_at");`);

    this.addSql(`create table "block" ("id" uuid not null, "organization_id" uuid not null, "page_id" uuid not null, "type" varchar(32) not null, "text" text not null, "position" text collate "C" not null, "created_by_id" uuid not null, "updated_by_id" uuid not null, "version" int not null default 1, "created_at" timestamptz not null, "updated_at" timestamptz not null, primary key ("id"));`);
    this.addSql(`create index "block_page_id_position_id_index" on "block" ("page_id", "position", "id");`);

    this.addSql(`alter table "project" add constraint "project_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "project" add constraint "project_created_by_id_foreign" foreign key ("created_by_id") references "user" ("id");`);

    this.addSql(`alter table "page" add constraint "page_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "page" add constraint "page_project_id_foreign" foreign key ("project_id") references "project" ("id") on delete set null;`);
    this.addSql(`alter table "page" add constraint "page_created_by_id_foreign" foreign key ("created_by_id") references "user" ("id");`);
    this.addSql(`alter table "page" add constraint "page_updated_by_id_foreign" foreign key ("updated_by_id") references "user" ("id");`);

    this.addSql(`alter table "membership" add constraint "membership_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "membership" add constraint "membership_user_id_foreign" foreign key ("user_id") references "user" ("id");`);

    this.addSql(`alter table "device_session" add constraint "device_session_user_id_foreign" foreign key ("user_id") references "user" ("id");`);
    this.addSql(`alter table "device_session" add constraint "device_session_active_organization_id_foreign" foreign key ("active_organization_id") references "organization" ("id");`);

    this.addSql(`alter table "block" add constraint "block_organization_id_foreign" foreign key ("organization_id") references "organization" ("id");`);
    this.addSql(`alter table "block" add constraint "block_page_id_foreign" foreign key ("page_id") references "page" ("id");`);
    this.addSql(`alter table "block" add constraint "block_created_by_id_foreign" foreign key ("created_by_id") references "user" ("id");`);
    this.addSql(`alter table "block" add constraint "block_updated_by_id_foreign" foreign key ("updated_by_id") references "user" ("id");`);
  }

}
