//! The connection over which a server is asked, again and again, who holds keys.

use lockbench_core::lock::{Holder, Key, Local, Owner, SystemError, Truth};

/// How one recipe asks.
pub(super) trait Question {
    /// A connection of its own.
    type Line;
    /// Makes one.
    async fn open(&self) -> Result<Self::Line, SystemError>;
    /// Asks who holds each of these keys, in their order.
    async fn ask(&self, line: &mut Self::Line, keys: &[Key]) -> Result<Vec<Option<Holder>>, SystemError>;
}

/// Keeps the connection from one question to the next. One that failed, or whose question was given up, is dropped.
pub(super) struct Asker<Q: Question> {
    question: Q,
    line: Option<Q::Line>,
}

impl<Q: Question + 'static> Asker<Q> {
    /// Of this question, for [`lockbench_core::lock::LockSystem::truths`].
    pub fn boxed(question: Q) -> Box<dyn Truth> {
        Box::new(Self { question, line: None })
    }
}

impl<Q: Question> Truth for Asker<Q> {
    fn ask<'a>(&'a mut self, keys: &'a [Key]) -> Local<'a, Result<Vec<Option<Owner>>, SystemError>> {
        Box::pin(async move {
            let mut line = match self.line.take() {
                Some(line) => line,
                None => self.question.open().await?,
            };
            let holders = self.question.ask(&mut line, keys).await?;
            self.line = Some(line);
            Ok(holders.into_iter().map(|holder| holder.map(Owner::named)).collect())
        })
    }
}
