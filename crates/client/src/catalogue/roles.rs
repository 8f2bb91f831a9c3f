//! Who holds roles of a project, from the project's JSON document.

use countermark_lock::catalogue::CatalogueError;
use countermark_packaging::name::ProjectName;
use countermark_packaging::project_json;

use super::error::of_http;
use super::pages::Pages;
use crate::facts::{MAX_DOCUMENT, document_url};
use crate::http::{HttpError, Request};

impl Pages {
    /// As `owner alice`, sorted; nothing where the index has no such document, or says nothing.
    pub(super) async fn roles(
        &self,
        project: &ProjectName,
    ) -> Result<Option<Vec<String>>, CatalogueError> {
        let Some(index) = self.find(project).await?.index else { return Ok(None) };
        let Some(url) = document_url(&index, project) else { return Ok(None) };
        if self.options.offline || !matches!(url.scheme(), "http" | "https") {
            return Ok(None);
        }
        let request = Request::document(&url, "application/json", MAX_DOCUMENT);
        let document = match self.http.fetch(&request).await {
            Ok(document) => document,
            Err(HttpError::Status { code: 404 | 410, .. }) => return Ok(None),
            Err(error) => return Err(of_http(&format!("the roles of `{project}`"), &error)),
        };
        // A document that cannot be read says nothing.
        let ownership = project_json::parse(&document.body).ok().and_then(|it| it.ownership);
        Ok(ownership.map(|ownership| {
            let role = |it: &project_json::OwnershipRole| {
                format!("{} {}", it.role.to_ascii_lowercase(), it.user)
            };
            let mut roles: Vec<String> = ownership.roles.iter().map(role).collect();
            roles.extend(ownership.organization.map(|name| format!("organization {name}")));
            roles.sort();
            roles
        }))
    }
}
