//! The engine room: one thread that owns the engine and the client of one consumer.
//!
//! librdkafka's callbacks run inside its polling, some of its calls wait for brokers, and the group
//! throws out a member that does not poll. None of that may sit on the application's runtime, and
//! no handler may hold it up. So a thread of its own does nothing but turns: take what others sent,
//! what the client says, what partitions hold; feed the engine; do what it decided; sleep until
//! somebody rings. Nothing here is shared, so nothing is locked.
//!
//! Within a turn the order does not matter to the engine, and time stands still.

mod closing;
mod ending;
mod events;
mod held;
mod intake;
mod observed;
mod outputs;
mod probe;
mod reading;
mod requests;
mod starts;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use surefoot_core::{
    Answer, CommitPolicy, CommitPosition, ConfigError, ControlId, Deliver, DeliveryUnit, EffectId,
    Engine, EngineConfig, Guarantee, Input, Mono, Now, Stopped, TopicPartition,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use self::held::{Giveback, Held};
use self::intake::Intake;
use self::observed::{Observer, Watch};
use self::probe::Probed;
use self::reading::Known;
use self::requests::Requests;
use self::starts::Starts;
use crate::kafka::native::{Client, Event, Failure, NativeMessage, Waker};
use crate::kafka::settings::{ClientSettings, SettingsError};
use crate::lag::Ends;
use crate::link::{Bell, Message, Report, Sender, Work, link};
use crate::payloads::Payloads;
use crate::record::Record;

pub use self::ending::StartError;
pub(crate) use self::ending::{Departure, Exit, RoomError};
pub(crate) use self::observed::{Observed, StartedBy};

/// The member polls its client at least this often, whatever it waits for.
const LONGEST_SLEEP: Duration = Duration::from_millis(500);
/// Calls that wait for the client's own thread, and for no broker.
const CLIENT_ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// What a consumer is made of.
pub(crate) struct RoomConfig {
    pub(crate) bootstrap_servers: String,
    pub(crate) group: String,
    /// Names, and patterns that begin with `^`.
    pub(crate) topics: Vec<String>,
    /// librdkafka's options, passed through.
    pub(crate) options: Vec<(String, String)>,
    /// `budget.max_buffered_bytes` is the budget of engine and client together.
    pub(crate) engine: EngineConfig,
    /// How many records a batch delivery has at most.
    pub(crate) max_batch: NonZeroUsize,
    /// How long brokers may be silent before a start fails.
    pub(crate) start_timeout: Duration,
    pub(crate) observer: Option<Observer>,
}

/// Why a consumer cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrepareError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Engine(#[from] ConfigError),
}

/// A consumer that is not running: everything is checked and nothing was touched.
pub(crate) struct Prepared {
    settings: ClientSettings,
    topics: Vec<String>,
    engine: Engine,
    unit: DeliveryUnit,
    intake: Intake,
    drain_deadline: Duration,
    start_timeout: Duration,
    observer: Option<Observer>,
    sender: Sender,
    messages: mpsc::Receiver<Message>,
}

/// A consumer that runs.
pub(crate) struct Running {
    pub(crate) work: UnboundedReceiver<Work>,
    /// After [`Work::Over`].
    pub(crate) ending: oneshot::Receiver<Result<Exit, RoomError>>,
}

/// The thread's state.
struct Room {
    engine: Engine,
    clock: Clock,
    now: Now,
    settings: ClientSettings,
    topics: Vec<String>,
    /// How many partitions the client's memory is divided by.
    partitions: usize,
    unit: DeliveryUnit,
    intake: Intake,
    drain_deadline: Duration,

    client: Client,
    /// The member's name when it got what it holds.
    member: String,
    /// Whether the group ever assigned something, if only nothing.
    joined: bool,
    denied_since: Option<Mono>,
    brokers_down_told: Option<Mono>,
    polled_at: Mono,
    /// Events that were taken from the client and not looked at.
    unheard: VecDeque<Event>,
    held: Vec<Held>,
    giveback: Option<Giveback>,
    /// Partitions that were kept under a new name and begin anew when the engine let go of them.
    reborn: BTreeSet<TopicPartition>,
    /// Those of which it has let go.
    returning: Vec<TopicPartition>,
    known: Vec<Known>,
    starts: Starts,
    requests: Requests,
    commits: BTreeMap<EffectId, Vec<CommitPosition>>,
    ends: Ends,
    payloads: Payloads,
    /// Room for the messages of one visit, kept between visits.
    messages: Vec<NativeMessage>,
    cursor: usize,

    /// Inputs that wait for the engine.
    backlog: VecDeque<Input>,
    mail: mpsc::Receiver<Message>,
    /// What came before the thread was ready for it.
    early: VecDeque<Message>,
    controls: BTreeMap<ControlId, oneshot::Sender<Answer>>,
    last_control: u64,
    bell: Arc<Bell>,
    work: UnboundedSender<Work>,
    outbox: Vec<(Deliver, Record)>,
    /// Nobody takes work any more.
    deserted: bool,
    observer: Watch,

    /// When a stop must be over.
    stop_by: Option<Mono>,
    stopped: Option<Stopped>,
    failure: Option<RoomError>,
    /// Something was done in this turn, or is known to be left to do.
    busy: bool,
}

/// The monotonic origin of one engine, and the wall clock.
#[derive(Clone, Copy)]
struct Clock(Instant);

/// Checks everything that can be checked without a broker.
pub(crate) fn prepare(config: RoomConfig) -> Result<Prepared, PrepareError> {
    let mut engine = config.engine;
    let settings = ClientSettings::check(
        &config.bootstrap_servers,
        &config.group,
        config.options,
        engine.budget.max_buffered_bytes.get(),
        engine.drain_deadline,
    )?;
    // The other half is the client's: see the settings.
    let half = engine.budget.max_buffered_bytes.get() / 2;
    engine.budget.max_buffered_bytes = NonZeroUsize::new(half).unwrap_or(NonZeroUsize::MIN);
    let intake = Intake::new(
        engine.delivery_unit,
        engine.processing_order,
        batch_size(&engine, config.max_batch),
    );
    let (sender, messages) = link();
    Ok(Prepared {
        settings,
        topics: config.topics,
        unit: engine.delivery_unit,
        drain_deadline: engine.drain_deadline,
        engine: Engine::new(engine)?,
        intake,
        start_timeout: config.start_timeout,
        observer: config.observer,
        sender,
        messages,
    })
}

/// A batch that is committed ahead is lost as a whole, so it is no larger than the window.
fn batch_size(engine: &EngineConfig, max_batch: NonZeroUsize) -> usize {
    let window = match (engine.guarantee, engine.commit) {
        (Guarantee::AtMostOnce, CommitPolicy::Auto { every_records: Some(window), .. }) => {
            usize::try_from(window.get()).unwrap_or(usize::MAX)
        }
        (Guarantee::AtMostOnce, _) => 1,
        (Guarantee::AtLeastOnce, _) => usize::MAX,
    };
    max_batch.get().min(window)
}

impl Prepared {
    /// For handles. What is sent before the start waits for it.
    pub(crate) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system has no thread to give.
    pub(crate) fn start(self) -> io::Result<Running> {
        let (work, taken) = unbounded_channel();
        let (ended, ending) = oneshot::channel();
        let name = format!("surefoot-{}", self.settings.group());
        thread::Builder::new().name(name).spawn(move || {
            let over = work.clone();
            let result = catch_unwind(AssertUnwindSafe(|| self.run(work)));
            let result = result
                .unwrap_or_else(|panic| Err(RoomError::Panicked { message: words_of(&*panic) }));
            // Whoever ran the handlers may be gone before the thread is.
            let _ = over.send(Work::Over);
            let _ = ended.send(result);
        })?;
        Ok(Running { work: taken, ending })
    }

    fn run(self, work: UnboundedSender<Work>) -> Result<Exit, RoomError> {
        let bell = Arc::clone(self.sender.bell());
        bell.attend();
        let mut early = VecDeque::new();
        let probed = probe::probe(&self.settings, &self.topics, self.start_timeout, &bell, || {
            early.extend(self.messages.try_iter());
            early.iter().any(|it| matches!(it, Message::Stop(_) | Message::Abort))
        })?;
        match probed {
            Probed::Interrupted => Ok(self.never_started(early)),
            Probed::Ready(partitions) => Room::new(self, partitions, early, bell, work)?.run(),
        }
    }

    /// Stopped before it ran: the engine says in its own words that nothing is left undone.
    fn never_started(mut self, early: VecDeque<Message>) -> Exit {
        let now = Clock(Instant::now()).now();
        for message in early {
            let input = match message {
                Message::Stop(deadline) => Input::Stop { deadline },
                Message::Abort => Input::Abort,
                Message::Reports(_) | Message::Control(..) | Message::Query(_) => continue,
            };
            self.engine.handle_input(now, input);
        }
        while let Some(output) = self.engine.poll_output() {
            if let surefoot_core::Output::Stopped(stopped) = output {
                return Exit { stopped, departure: Departure::NeverJoined };
            }
        }
        unreachable!("an engine that holds nothing stops at once")
    }
}

impl Room {
    fn new(
        prepared: Prepared,
        partitions: usize,
        early: VecDeque<Message>,
        bell: Arc<Bell>,
        work: UnboundedSender<Work>,
    ) -> Result<Self, RoomError> {
        let clock = Clock(Instant::now());
        let client = join(&prepared.settings, &prepared.topics, partitions, &bell)?;
        Ok(Self {
            engine: prepared.engine,
            clock,
            now: clock.now(),
            settings: prepared.settings,
            topics: prepared.topics,
            partitions,
            unit: prepared.unit,
            intake: prepared.intake,
            drain_deadline: prepared.drain_deadline,
            client,
            member: String::new(),
            joined: false,
            denied_since: None,
            brokers_down_told: None,
            polled_at: Mono::default(),
            unheard: VecDeque::new(),
            held: Vec::new(),
            giveback: None,
            reborn: BTreeSet::new(),
            returning: Vec::new(),
            known: Vec::new(),
            starts: Starts::default(),
            requests: Requests::default(),
            commits: BTreeMap::new(),
            ends: Ends::default(),
            payloads: Payloads::default(),
            messages: Vec::new(),
            cursor: 0,
            backlog: VecDeque::new(),
            mail: prepared.messages,
            early,
            controls: BTreeMap::new(),
            last_control: 0,
            bell,
            work,
            outbox: Vec::new(),
            deserted: false,
            observer: Watch(prepared.observer),
            stop_by: None,
            stopped: None,
            failure: None,
            busy: false,
        })
    }

    fn run(mut self) -> Result<Exit, RoomError> {
        loop {
            self.turn();
            if let Some(failure) = self.failure.take() {
                self.backlog.push_back(Input::Abort);
                self.settle();
                self.flush_deliveries();
                return Err(failure);
            }
            if let Some(stopped) = self.stopped.take() {
                return Ok(self.leave(stopped));
            }
            if !self.busy {
                self.bell.wait(self.patience());
            }
        }
    }

    fn turn(&mut self) {
        // Before anything is looked at: whatever is put in from here on rings again.
        self.bell.answer();
        self.busy = false;
        self.now = self.clock.now();
        self.take_mail();
        self.take_events();
        self.read_partitions();
        self.keep_time();
        self.start_reading();
        self.send_lookups();
        self.settle();
        self.flush_deliveries();
    }

    fn take_mail(&mut self) {
        while let Some(message) = self.early.pop_front().or_else(|| self.mail.try_recv().ok()) {
            self.take(message);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Reports(reports) => {
                for Report { term, first, last, attempt, outcome } in reports {
                    let input = Input::Finished { term, first, last, attempt, outcome };
                    self.engine.handle_input(self.now, input);
                }
                self.perform_all();
                self.settle();
            }
            Message::Control(request, reply) => {
                self.last_control += 1;
                let id = ControlId(self.last_control);
                self.controls.insert(id, reply);
                self.backlog.push_back(Input::Control { id, request });
                self.settle();
            }
            Message::Query(query) => self.on_query(query),
            Message::Stop(deadline) => {
                let by = self.now.mono.after(deadline.unwrap_or(self.drain_deadline));
                self.stop_by = Some(self.stop_by.map_or(by, |earlier| earlier.min(by)));
                self.backlog.push_back(Input::Stop { deadline });
                self.settle();
            }
            Message::Abort => {
                self.backlog.push_back(Input::Abort);
                self.settle();
            }
        }
    }

    fn take_events(&mut self) {
        let slept = self.now.mono.since(self.polled_at);
        if !self.client.is_ready() && slept < LONGEST_SLEEP && self.unheard.is_empty() {
            return;
        }
        self.polled_at = self.now.mono;
        while let Some(event) =
            self.unheard.pop_front().or_else(|| self.client.poll_event(Duration::ZERO))
        {
            self.busy = true;
            self.take_event(event);
            self.settle();
        }
    }

    fn keep_time(&mut self) {
        self.give_up_lookups();
        self.settle();
        if self.engine.poll_timeout().is_some_and(|at| at <= self.now.mono) {
            self.engine.handle_timeout(self.now);
            self.perform_all();
            self.settle();
        }
    }

    /// How long nothing will happen by itself.
    fn patience(&self) -> Duration {
        let now = self.clock.now().mono;
        [self.engine.poll_timeout(), self.starts.next_deadline()]
            .into_iter()
            .flatten()
            .map(|at| at.since(now))
            .fold(LONGEST_SLEEP, Duration::min)
    }
}

/// Makes a client and has it join the group.
fn join(
    settings: &ClientSettings,
    topics: &[String],
    partitions: usize,
    bell: &Arc<Bell>,
) -> Result<Client, RoomError> {
    let refused = |reason: String| RoomError::Start(StartError::Options { reason });
    let config = settings.native(partitions).map_err(|error| refused(error.to_string()))?;
    let ring: Waker = {
        let bell = Arc::clone(bell);
        Arc::new(move || bell.ring())
    };
    let client = Client::new(config, ring).map_err(|it: Failure| refused(it.message))?;
    let topics: Vec<_> = topics.iter().map(String::as_str).collect();
    client.subscribe(&topics).map_err(|it| refused(it.message))?;
    Ok(client)
}

impl Clock {
    fn now(self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            mono: Mono(self.0.elapsed()),
            wall_ms: i64::try_from(wall.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

/// What a panic says.
fn words_of(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|it| (*it).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
